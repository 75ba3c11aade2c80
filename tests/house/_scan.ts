/**
 * A small scanner for TypeScript and JavaScript modules: what they import, and their code without comments and strings.
 *
 * It knows comments, strings, templates and regular expressions, which is all the house rules need; no parser is brought in for that.
 * @module
 */

/** One import, re-export, dynamic import, or worker/asset URL of a module. */
export interface Import {
  readonly specifier: string;
  readonly kind: "static" | "type" | "dynamic" | "url";
}

/** A scanned module. */
export interface Scanned {
  /** Imports in order of appearance within each kind. */
  readonly imports: Import[];
  /** The source with comments and the insides of strings blanked; line breaks are kept. */
  readonly code: string;
}

/** A `/` after one of these starts a regular expression, not a division. */
const BEFORE_REGEX = /(?:^|[=(,;:!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|new|delete|void|await|yield))\s*$/;

/** Scans one module's source. */
export function scanModule(source: string): Scanned {
  const strings: string[] = [];
  const code = blank(source, strings);
  const imports: Import[] = [];
  const collect = (pattern: RegExp, kindOf: (match: RegExpMatchArray) => Import["kind"]): void => {
    for (const match of code.matchAll(pattern)) {
      imports.push({ specifier: strings[Number(match.groups!.id)]!, kind: kindOf(match) });
    }
  };
  const text = String.raw`"§(?<id>\d+)\n*"`;
  collect(
    new RegExp(String.raw`\b(?:import|export)\s+(?<type>type\b(?!\s*from\b|\s*,))?[^;"=()]*?\bfrom\s*${text}`, "g"),
    (match) => match.groups!.type ? "type" : "static",
  );
  collect(new RegExp(String.raw`\bimport\s*${text}`, "g"), () => "static");
  collect(new RegExp(String.raw`\bimport(?:\.source)?\s*\(\s*${text}`, "g"), () => "dynamic");
  collect(new RegExp(String.raw`\bnew\s+URL\(\s*${text}\s*,\s*import\.meta\.url`, "g"), () => "url");
  return { imports, code: code.replaceAll(/§\d+/g, "") };
}

/** Blanks comments, regular expressions and string contents; each string's content goes to `strings`, its place holds `"§index"`. */
function blank(source: string, strings: string[]): string {
  let out = "";
  let at = 0;
  const templateDepths: number[] = [];
  let depth = 0;
  const lines = (text: string): string => text.replaceAll(/[^\n]/g, "");
  const keep = (content: string): void => {
    out += `"§${strings.length}${lines(content)}"`;
    strings.push(content);
  };
  const template = (): void => {
    const start = at;
    while (at < source.length) {
      if (source[at] === "\\") at += 2;
      else if (source[at] === "`") {
        keep(source.slice(start, at++));
        return;
      } else if (source.startsWith("${", at)) {
        keep(source.slice(start, at));
        out += "{";
        at += 2;
        templateDepths.push(depth++);
        return;
      } else at++;
    }
  };
  while (at < source.length) {
    const char = source[at]!;
    if (source.startsWith("//", at) || (at === 0 && source.startsWith("#!"))) {
      const end = source.indexOf("\n", at);
      at = end < 0 ? source.length : end;
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      const stop = end < 0 ? source.length : end + 2;
      out += " " + lines(source.slice(at, stop));
      at = stop;
    } else if (char === '"' || char === "'") {
      const start = ++at;
      while (at < source.length && source[at] !== char && source[at] !== "\n") at += source[at] === "\\" ? 2 : 1;
      keep(source.slice(start, at++));
    } else if (char === "`") {
      at++;
      template();
    } else if (char === "/" && BEFORE_REGEX.test(out.slice(-40))) {
      let inClass = false;
      for (at++; at < source.length && (inClass || source[at] !== "/") && source[at] !== "\n"; at++) {
        if (source[at] === "\\") at++;
        else if (source[at] === "[") inClass = true;
        else if (source[at] === "]") inClass = false;
      }
      at++;
      out += "0";
    } else {
      if (char === "{") depth++;
      if (char === "}" && --depth === templateDepths.at(-1)) {
        templateDepths.pop();
        out += "}";
        at++;
        template();
        continue;
      }
      out += char;
      at++;
    }
  }
  return out;
}
