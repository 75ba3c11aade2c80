/**
 * Settings as data: what `--help`, the flag parser, messages and `docs/settings.md` are made from.
 * @module
 */

/** One setting, as data: what `--help`, the flag parser and the docs are made from. */
export interface Setting {
  /** Dotted name in camelCase. */
  readonly path: string;
  /** Flag with its dashes. */
  readonly flag: string;
  /** Heading it stands under. */
  readonly group: string;
  /** What it means. */
  readonly description: string;
  /** Unit of its values; undefined for a name or a switch. */
  readonly unit: string | undefined;
  /** Default as the user would write it; undefined when there is none. */
  readonly default: unknown;
  /** What is accepted, in words. */
  readonly expected: string;
  /** Whether it is a yes-or-no. */
  readonly isSwitch: boolean;
  /** Whether words that look like numbers are numbers. */
  readonly takesNumbers: boolean;
  /** Whether words that are no numbers are accepted at all. */
  readonly takesWords: boolean;
  /** How many words follow the flag: a number, or `many` for a list. */
  readonly arity: number | "many";
  /** Words accepted, when they are few. */
  readonly choices: readonly string[];
}

/** What is read of a JSON schema. */
export interface JsonSchema {
  /** JSON type. */
  readonly type?: string;
  /** What the setting means. */
  readonly description?: string;
  /** Unit of its values. */
  readonly unit?: string;
  /** Default. */
  readonly default?: unknown;
  /** Members of a table. */
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** Alternatives. */
  readonly anyOf?: readonly JsonSchema[];
  /** The one word accepted. */
  readonly const?: string;
  /** Words accepted. */
  readonly enum?: readonly string[];
  /** Members of a pair. */
  readonly prefixItems?: readonly JsonSchema[];
  /** Member of a list. */
  readonly items?: JsonSchema;
  /** Least value. */
  readonly minimum?: number;
  /** Value to stay above. */
  readonly exclusiveMinimum?: number;
  /** Largest value. */
  readonly maximum?: number;
  /** Form of a text. */
  readonly pattern?: string;
}

/**
 * The flag of a setting: `data.shardRoot` is `--data.shard-root`.
 *
 * @example
 * ```ts
 * import { flagName } from "./settings.ts";
 * if (flagName("topkBatchSize") !== "--topk-batch-size") throw new Error("unexpected");
 * ```
 */
export function flagName(path: string): string {
  return `--${path.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The settings that a JSON schema describes, tables flattened.
 *
 * @example
 * ```ts
 * import { toSettings } from "./settings.ts";
 * const [one] = toSettings({ properties: { topK: { type: "integer", minimum: 1 } } }, "Ranking");
 * if (one.flag !== "--top-k" || one.expected !== "an integer of at least 1") throw new Error(one.expected);
 * ```
 */
export function toSettings(schema: JsonSchema, group: string, prefix = ""): Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, leaf]) => {
    const path = prefix + key;
    if (leaf.properties !== undefined) return toSettings(leaf, group, `${path}.`);
    const kinds = leaf.anyOf ?? (leaf.prefixItems ?? (leaf.type === "array" ? [leaf.items!] : [leaf]));
    return [{
      path,
      flag: flagName(path),
      group,
      description: leaf.description ?? "",
      unit: leaf.unit,
      default: leaf.default,
      expected: expectation(leaf),
      isSwitch: leaf.type === "boolean",
      takesNumbers: kinds.some(({ type }) => type === "integer" || type === "number"),
      takesWords: kinds.some(({ type }) => type === "string"),
      arity: leaf.prefixItems?.length ?? (leaf.type === "array" ? "many" : 1),
      choices: kinds.flatMap((kind) => kind.enum ?? (kind.const === undefined ? [] : [kind.const])),
    }];
  });
}

/** What a schema accepts, in words. */
function expectation(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(expectation).join(", or ");
  if (schema.prefixItems !== undefined) {
    const [one] = schema.prefixItems;
    return `${schema.prefixItems.length === 2 ? "two" : schema.prefixItems.length} ${plural(expectation(one))}`;
  }
  if (schema.type === "array") return `a list of ${plural(expectation(schema.items!))}`;
  if (schema.enum !== undefined) return schema.enum.length === 1 ? schema.enum[0] : `one of ${schema.enum.join(", ")}`;
  if (schema.type === "boolean") return "true or false";
  if (schema.const !== undefined) return schema.const;
  if (schema.type === "string") {
    if (schema.pattern === undefined) return "text";
    if (schema.pattern.includes("KMGT")) return "a size such as 512MiB";
    return schema.pattern.includes("min")
      ? "a time such as 90s or 5m"
      : "a word of letters, digits and _ . : , = @ + -";
  }
  const bounds: string[] = [];
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum } = schema;
  const bounded = maximum < Number.MAX_SAFE_INTEGER;
  if (minimum > Number.MIN_SAFE_INTEGER && bounded) bounds.push(`from ${minimum} to ${maximum}`);
  else if (minimum > Number.MIN_SAFE_INTEGER) bounds.push(`of at least ${minimum}`);
  else if (exclusiveMinimum !== undefined) {
    bounds.push(`above ${exclusiveMinimum}${bounded ? `, at most ${maximum}` : ""}`);
  }
  return [schema.type === "integer" ? "an integer" : "a number", ...bounds].join(" ");
}

function plural(phrase: string): string {
  return phrase.replace(/^an? (\w+)/, "$1s");
}
