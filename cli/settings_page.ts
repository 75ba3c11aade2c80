/**
 * `docs/settings.md`, made from the settings.
 * @module
 */
import { listSettings } from "../config.ts";
import { typedDefault } from "./help.ts";

/**
 * The page as markdown, in the form that `deno fmt` leaves alone.
 *
 * @example
 * ```ts
 * import { settingsPage } from "./settings_page.ts";
 * if (!settingsPage().includes("| `--top-k`")) throw new Error();
 * ```
 */
export function settingsPage(): string {
  const lines = [
    "# Settings",
    "",
    "Written by `deno task docs:settings` from the schema in `config/schema.ts`; change it there.",
    "",
    "Each setting is a flag, and a key of a `.json` or `.toml` file given with `--config`; flags win over the file.",
    "",
    "- Keys may be spelled `topK`, `top-k` or `top_k`; those with a dot may also stand in a table, `shardRoot` in `data`.",
    "- Paths are relative to the directory that the program is started in.",
    "- Sizes are bytes, or text with a binary suffix: `1.5G`, `512MiB`.",
    "- Times are seconds, or text with a unit: `500ms`, `60s`, `5m`, `1h`.",
  ];
  for (const [group, settings] of Map.groupBy(listSettings(), (setting) => setting.group)) {
    const rows = settings.map((setting) => [
      `\`${setting.flag}\``,
      `\`${setting.path}\``,
      setting.description,
      setting.expected,
      setting.unit ?? "",
      typedDefault(setting) === undefined ? "none" : `\`${typedDefault(setting)}\``,
    ]);
    lines.push("", `## ${group}`, "", ...table([["Flag", "Key", "Meaning", "Takes", "Unit", "Default"], ...rows]));
  }
  return `${lines.join("\n")}\n`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(rows[0]), line(widths.map((width) => "-".repeat(width))), ...rows.slice(1).map(line)];
}
