// deno-lint-ignore-file no-console -- a program that prints
/**
 * The public interface as text: every exported name with its signature, from `deno doc --json` on standard input.
 *
 * Prints it, or with `--check FILE` compares it with a committed list: `deno task api:check`, and `deno task api:update` to renew it.
 * @module
 */
import { typeText } from "./_type_text.ts";

interface Param {
  readonly kind: string;
  readonly name?: string;
  readonly optional?: boolean;
  readonly tsType?: unknown;
  readonly left?: Param;
  readonly arg?: Param;
}
interface Member {
  readonly name: string;
  readonly optional?: boolean;
  readonly readonly?: boolean;
  readonly isStatic?: boolean;
  readonly accessibility?: string;
  readonly kind?: string;
  readonly tsType?: unknown;
  readonly params?: readonly Param[];
  readonly functionDef?: Callable;
}
interface Callable {
  readonly params: readonly Param[];
  readonly returnType?: unknown;
  readonly typeParams?: readonly { readonly name: string }[];
}
interface Def extends Partial<Callable> {
  readonly tsType?: unknown;
  readonly extends?: unknown;
  readonly implements?: readonly unknown[];
  readonly constructors?: readonly Member[];
  readonly properties?: readonly Member[];
  readonly methods?: readonly (Member & Callable)[];
  readonly members?: readonly Member[];
}
interface Symbols {
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly { readonly kind: string; readonly def: Def }[];
  }[];
}

/** The list of one or several entry points; what the first exports is only named in the others. */
export function apiText(doc: { readonly nodes: Readonly<Record<string, Symbols>> }): string {
  const main = Object.keys(doc.nodes).find((url) => /^mod\.ts$/.test(entryName(url)))!;
  const seen = new Set(lines(doc.nodes[main]));
  const others = Object.keys(doc.nodes).filter((url) => url !== main).sort().map((url) => {
    const [known, own] = [true, false].map((is) => lines(doc.nodes[url]).filter((one) => seen.has(one) === is));
    const names = known.map((one) => one.match(/^(?:const|type|interface|class|function) (\w+)/)![1]);
    return `# ${entryName(url)}\n${
      [...own, ...[...new Set(names)].map((name) => `as in mod.ts: ${name}`)].join("\n")
    }\n`;
  });
  return [`# mod.ts\n${[...seen].join("\n")}\n`, ...others].join("\n");
}

function entryName(url: string): string {
  return /(?:(?:compute|io|render)\/mod\.ts|[^/]+)$/.exec(url)![0];
}

function lines({ symbols }: Symbols): string[] {
  const all = symbols.flatMap(({ name, declarations }) =>
    declarations.filter(({ kind }) => kind !== "reference").map(({ kind, def }) => line(kind, name, def))
  );
  return all.sort();
}

function line(kind: string, name: string, def: Def): string {
  switch (kind) {
    case "function":
      return `function ${name}${callable(def as Callable)}`;
    case "variable":
      return `const ${name}: ${typeText(def.tsType)}`;
    case "typeAlias":
      return `type ${name}${generics(def)} = ${typeText(def.tsType)}`;
    case "interface": {
      const bases = (def.extends as unknown[] ?? []).map(typeText);
      return `interface ${name}${generics(def)}${bases.length > 0 ? ` extends ${bases.join(", ")}` : ""} ${
        members(def)
      }`;
    }
    case "class": {
      const base = typeof def.extends === "string" ? ` extends ${def.extends}` : "";
      return `class ${name}${generics(def)}${base} ${members(def)}`;
    }
    default:
      return `${kind} ${name}`;
  }
}

function members({ constructors = [], properties = [], methods = [] }: Def): string {
  const open = <M extends Member>(all: readonly M[]): M[] =>
    all.filter((m) => m.accessibility !== "private" && !m.name.startsWith("#"));
  const lines = [
    ...open(constructors).map(({ params = [] }) => `constructor(${params.map(param).join(", ")})`),
    ...open(properties).map((m) =>
      `${m.isStatic ? "static " : ""}${m.readonly ? "readonly " : ""}${m.name}${m.optional ? "?" : ""}: ${
        typeText(m.tsType)
      }`
    ),
    ...open(methods).map((m) => {
      const prefix = `${m.isStatic ? "static " : ""}${
        m.kind === "getter" ? "get " : m.kind === "setter" ? "set " : ""
      }`;
      return `${prefix}${m.name}${m.optional ? "?" : ""}${callable(m.functionDef ?? m)}`;
    }),
  ];
  return `{ ${lines.join("; ")} }`;
}

function callable(def: Callable): string {
  return `${generics(def)}(${def.params.map(param).join(", ")}): ${typeText(def.returnType)}`;
}

function generics({ typeParams = [] }: Partial<Callable>): string {
  return typeParams.length === 0 ? "" : `<${typeParams.map(({ name }) => name).join(", ")}>`;
}

function param({ kind, name, optional, tsType, left, arg }: Param): string {
  if (kind === "assign") return param({ ...left!, optional: true });
  if (kind === "rest") return `...${param({ ...arg!, tsType: tsType ?? arg?.tsType })}`;
  // What a pattern takes apart is in its type.
  return `${name ?? "options"}${optional ? "?" : ""}: ${typeText(tsType)}`;
}

if (import.meta.main) {
  const found = apiText(JSON.parse(await new Response(Deno.stdin.readable).text()));
  const [flag, file] = Deno.args;
  if (flag === "--check") {
    const listed = new Set((await Deno.readTextFile(file)).split("\n"));
    const lines = new Set(found.split("\n"));
    const changes = [
      ...[...listed].filter((one) => !lines.has(one)).map((one) => `- ${one}`),
      ...[...lines].filter((one) => !listed.has(one)).map((one) => `+ ${one}`),
    ];
    for (const change of changes) console.error(change);
    if (changes.length > 0) {
      console.error("The public interface changed: run `deno task api:update`, and see the versions in CONTRIBUTING");
    } else console.log(`${lines.size} lines of interface are as listed`);
    Deno.exit(changes.length > 0 ? 1 : 0);
  }
  await new Response(found).body!.pipeTo(Deno.stdout.writable);
}
