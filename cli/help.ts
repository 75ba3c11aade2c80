/**
 * The text of `--help`, made from the settings and the command table.
 * @module
 */
import { ConfigError } from "../compute/errors.ts";
import { listSettings, type Setting } from "../config.ts";
import { nearest } from "../config/nearest.ts";
import { EXIT_CODE_MEANINGS } from "./exit_codes.ts";
import { twoColumns, wrapText } from "./wrap_text.ts";

const WIDTH = 100;
const LEFT = 34;
const NO_BREAK_SPACE = "\u00a0";

/** One line of the list of commands. */
export interface CommandSummary {
  /** The word to type. */
  readonly name: string;
  /** What follows it. */
  readonly usage: string;
  /** What it does. */
  readonly summary: string;
}

const EXAMPLES: readonly (readonly [what: string, command: string])[] = [
  ["The demo: 240 pictures, results in ./data/demo", "visuals"],
  [
    "Your own checkpoint and shards",
    "visuals --ckpt sae.pt --data.shard-root shards --data.layer -2 --images.kind image-folder --images.root pictures " +
    "--dump-to data",
  ],
  ["Only rarely firing latents, and three chosen ones", "visuals --log-freq-range -6 -4 --include-latents 1 2 3"],
  ["The same from a file, with one change", "visuals --config run.toml --top-k 64"],
  ["What would be done, with the narrowest permissions", "visuals --config run.toml --dry-run"],
];

/**
 * The whole help: commands, every setting with meaning, unit and default, examples, exit codes.
 *
 * @param program How the program is started, for example `deno run -R -W cli.ts`.
 *
 * @example
 * ```ts
 * import { helpText } from "./help.ts";
 * const text = helpText([{ name: "visuals", usage: "[FLAGS]", summary: "Does it" }], "cli.ts");
 * if (!text.includes("--top-k N")) throw new Error(text);
 * ```
 */
export function helpText(commands: readonly CommandSummary[], program: string): string {
  const lines = [
    "Compute and show which pictures activate the latents of a sparse autoencoder.",
    "",
    `Usage: ${program} COMMAND [FLAGS]`,
    "",
    "Commands",
    ...twoColumns(commands.map(({ name, usage, summary }) => [`${name} ${usage}`.trim(), summary]), columns()),
    "",
    ...wrapText(
      "A flag's value follows it, after a space or =. Switches also take true or false, and --no-verify or " +
        "--data.no-scale-mean turns one off. Lists end at the next flag. _ may stand for -.",
      WIDTH,
    ),
    "",
    "Settings from a file",
    ...twoColumns([[
      "--config FILE",
      "A .json or .toml file of settings, named as the flags without --; flags win over it [path]",
    ]], columns()),
  ];
  for (const [group, settings] of Map.groupBy(listSettings(), (setting) => setting.group)) {
    lines.push("", group, ...twoColumns(settings.map(settingRow), columns()));
  }
  lines.push("", "Examples");
  for (const [what, command] of EXAMPLES) {
    const [first, ...rest] = wrapText(`${program} ${command}`, WIDTH - 8);
    const wrapped = [`    ${first}`, ...rest.map((line) => `      ${line}`)];
    lines.push(`  ${what}:`, ...wrapped.map((line, i) => i < wrapped.length - 1 ? `${line} \\` : line));
  }
  const codes = EXIT_CODE_MEANINGS.map(([code, meaning]) => [String(code), meaning] as const);
  lines.push("", "Exit codes", ...twoColumns(codes, { left: 8, width: WIDTH }));
  return `${lines.join("\n").replaceAll(NO_BREAK_SPACE, " ")}\n`;
}

/**
 * The help of one setting, by its flag or its name.
 *
 * @throws {ConfigError} If there is no such setting.
 *
 * @example
 * ```ts
 * import { settingHelp } from "./help.ts";
 * if (!settingHelp("top-k").includes("an integer of at least 1")) throw new Error();
 * ```
 */
export function settingHelp(name: string): string {
  const settings = listSettings();
  const plain = (text: string): string => text.toLowerCase().replace(/^-+|[-_]/g, "");
  const setting = settings.find(({ path }) => plain(path) === plain(name));
  if (setting === undefined) {
    const near = nearest(name, settings.map(({ flag }) => flag));
    const hint = near === undefined ? "see --help" : `did you mean ${near}?`;
    throw new ConfigError(`There is no command or flag ${name}; ${hint}`, { path: name });
  }
  const lines = [...twoColumns([settingRow(setting)], columns()), `${" ".repeat(LEFT)}Takes ${setting.expected}`];
  return `${lines.join("\n").replaceAll(NO_BREAK_SPACE, " ")}\n`;
}

/**
 * A default as it would be typed; undefined when there is none.
 *
 * @example
 * ```ts
 * import { listSettings } from "../config.ts";
 * import { typedDefault } from "./help.ts";
 * const range = listSettings().find(({ path }) => path === "logFreqRange")!;
 * if (typedDefault(range) !== "-6 -2") throw new Error();
 * ```
 */
export function typedDefault({ default: value, isSwitch }: Setting): string | undefined {
  if (isSwitch) return value === true ? "on" : "off";
  if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return undefined;
  return Array.isArray(value) ? value.join(" ") : String(value);
}

function columns(): { left: number; width: number } {
  return { left: LEFT, width: WIDTH };
}

function settingRow(setting: Setting): [string, string] {
  const shown = typedDefault(setting);
  const facts = [setting.unit, `default ${shown ?? "none"}`].filter((fact) => fact !== undefined);
  // The brackets stay on one line: wrapText breaks at plain spaces only.
  const bracket = `[${facts.join(", ")}]`.replaceAll(" ", NO_BREAK_SPACE);
  return [`${switchForm(setting)} ${placeholder(setting)}`.trim(), `${setting.description} ${bracket}`];
}

function switchForm({ flag, isSwitch, default: value }: Setting): string {
  return isSwitch && value === true ? `--[no-]${flag.slice(2)}` : flag;
}

/** What stands for the value. */
function placeholder({ isSwitch, choices, takesNumbers, takesWords, arity, unit }: Setting): string {
  if (isSwitch) return "";
  const words = [
    ...(takesNumbers && unit !== "bytes" ? ["N"] : []),
    ...(choices.length > 0
      ? choices
      : takesWords
      ? [unit === "path" ? "PATH" : unit === "bytes" ? "SIZE" : "TEXT"]
      : []),
  ];
  const word = words.join("|");
  return arity === "many" ? `${word}…` : Array(arity).fill(word).join(" ");
}
