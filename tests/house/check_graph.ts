/**
 * Reads `deno info --json` of an entry on standard input and checks the arrows that Deno itself resolved;
 * `deno task deps:check` runs it. The static scan in module_graph_test.ts covers files no entry reaches, this one covers
 * what a scanner could misread.
 * @module
 */
import { arrowError, pinnedPackage, roomOf } from "./_rooms.ts";

/** The part of Deno's report that is read here. */
export interface Info {
  readonly roots: string[];
  readonly modules: {
    readonly kind: string;
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string; readonly error?: string };
      readonly type?: { readonly specifier?: string; readonly error?: string };
      readonly isDynamic?: boolean;
      readonly npmPackage?: string;
    }[];
  }[];
}

/** Returns what is wrong with a graph: wrong arrows, unresolved or unpinned modules, packages named twice. */
export function graphErrors(info: Info, root: string): string[] {
  const errors: string[] = [];
  const owners = new Map<string, string>();
  for (const module of info.modules) {
    if (module.error) errors.push(`${module.specifier}: ${module.error}`);
    if (!module.specifier.startsWith(root)) {
      if (!/^(?:npm|node):/.test(module.specifier)) errors.push(`${module.specifier} is outside the project`);
      continue;
    }
    const from = module.specifier.slice(root.length);
    for (const dependency of module.dependencies ?? []) {
      const error = dependency.code?.error ?? dependency.type?.error;
      if (error) errors.push(`${from}: ${error}`);
      const to = dependency.code?.specifier ?? dependency.type?.specifier;
      if (to?.startsWith(root)) {
        const kind = dependency.isDynamic ? "dynamic" : dependency.code ? "static" : "type";
        const wrong = arrowError(from, to.slice(root.length), kind);
        if (wrong) errors.push(wrong);
      } else if (dependency.specifier.startsWith("node:")) {
        if (/^(?:compute|render)/.test(roomOf(from) ?? "")) errors.push(`${from}: ${dependency.specifier}`);
      } else {
        const name = pinnedPackage(dependency.specifier);
        if (!name) errors.push(`${from}: ${dependency.specifier} is not npm:name@x.y.z`);
        else if ((owners.get(name) ?? from) !== from) {
          errors.push(`${name} is named in ${owners.get(name)} and in ${from}`);
        } else owners.set(name, from);
      }
    }
  }
  return errors;
}

if (import.meta.main) {
  const info = await new Response(Deno.stdin.readable).json() as Info;
  const root = new URL("../../", import.meta.url).href;
  const errors = graphErrors(info, root);
  const own = info.modules.filter(({ specifier }) => specifier.startsWith(root)).length;
  const text = errors.length > 0
    ? errors.join("\n")
    : `${info.roots[0]!.slice(root.length)}: ${own} modules, every arrow runs the right way`;
  // deno-lint-ignore no-console -- what this script is for
  console.log(text);
  if (errors.length > 0 || own === 0) Deno.exit(1);
}
