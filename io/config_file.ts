/**
 * Config files, JSON or TOML. Needs read permission for the file. The only file that names smol-toml.
 * @module
 */
import { parse as parseToml, TomlError } from "npm:smol-toml@1.9.1";
import { ConfigError } from "../compute/errors.ts";

/**
 * Reads a `.json` or `.toml` file into tables; what the keys mean is not checked here.
 *
 * @throws {ConfigError} If the file does not exist, has another extension, is malformed, or holds no table.
 * @throws {Deno.errors.NotCapable} If reading it is not permitted.
 *
 * @example
 * ```ts
 * import { readConfigFile } from "./config_file.ts";
 * const error = await readConfigFile("run.yaml").catch((error) => error);
 * if (!error.message.includes("expected .json or .toml")) throw error;
 * ```
 */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const extension = /\.(json|toml)$/i.exec(path)?.[1].toLowerCase();
  if (extension === undefined) {
    throw new ConfigError(`The config file ${path} has an unknown extension, expected .json or .toml; rename it`, {
      path: "config",
    });
  }
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ConfigError(`There is no config file ${path}; check the path given to --config`, { path: "config" }, {
      cause,
    });
  }
  return parseConfigText(text, { path, format: extension as "json" | "toml" });
}

/**
 * Parses the text of a config file.
 *
 * @throws {ConfigError} If it is malformed or holds no table.
 *
 * @example
 * ```ts
 * import { parseConfigText } from "./config_file.ts";
 * const tables = parseConfigText("top_k = 8", { path: "run.toml", format: "toml" });
 * if (tables.top_k !== 8) throw new Error("unexpected");
 * ```
 */
export function parseConfigText(
  text: string,
  source: { readonly path: string; readonly format: "json" | "toml" },
): Record<string, unknown> {
  const { path, format } = source;
  let value: unknown;
  try {
    value = format === "json" ? JSON.parse(text.replace(/^\uFEFF/, "")) : parseToml(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const what = cause instanceof TomlError
      ? `line ${cause.line}, column ${cause.column}: ${
        cause.message.split("\n")[0].replace(/^Invalid TOML document: /, "")
      }`
      : cause.message;
    throw new ConfigError(`The config file ${path} is not valid ${format.toUpperCase()}: ${what}`, { path: "config" }, {
      cause,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigError(
      `The config file ${path} holds ${JSON.stringify(value)?.slice(0, 40)}, expected a table of settings`,
      {
        path: "config",
      },
    );
  }
  return value as Record<string, unknown>;
}
