/**
 * Types of `deno doc --json` as TypeScript.
 * @module
 */

interface TsType {
  readonly repr?: string;
  readonly kind: string;
  readonly value?: unknown;
}
type Parts = Readonly<Record<string, unknown>>;

/** A type as it would be written; anything unusual as JSON, so that it cannot change unseen. */
export function typeText(type: unknown): string {
  if (type === undefined || type === null) return "unknown";
  const { kind, repr, value } = type as TsType;
  const list = (separator: string): string => (value as unknown[]).map(typeText).join(separator);
  switch (kind) {
    case "keyword":
      return repr!;
    case "literal": {
      const { kind: of, string, number, boolean } = value as Parts;
      return of === "string"
        ? JSON.stringify(string)
        : of === "number"
        ? String(number)
        : of === "boolean"
        ? String(boolean)
        : repr!;
    }
    case "typeRef": {
      const { typeName, typeParams = [] } = value as { typeName: string; typeParams?: unknown[] };
      return typeParams.length === 0 ? typeName : `${typeName}<${typeParams.map(typeText).join(", ")}>`;
    }
    case "union":
      return list(" | ");
    case "intersection":
      return list(" & ");
    case "tuple":
      return `[${list(", ")}]`;
    case "array":
      return `${typeText(value)}[]`;
    case "parenthesized":
      return `(${typeText(value)})`;
    case "rest":
      return `...${typeText(value)}`;
    case "optional":
      return `${typeText(value)}?`;
    case "typeOperator": {
      const { operator, tsType } = value as Parts;
      return `${operator} ${typeText(tsType)}`;
    }
    case "indexedAccess": {
      const { objType, indexType } = value as Parts;
      return `${typeText(objType)}[${typeText(indexType)}]`;
    }
    case "fnOrConstructor": {
      const { params, tsType } = value as { params: Parts[]; tsType: unknown };
      return `(${params.map(member).join(", ")}) => ${typeText(tsType)}`;
    }
    case "typeLiteral": {
      const { properties = [], methods = [] } = value as { properties?: Parts[]; methods?: Parts[] };
      return `{ ${[...properties, ...methods].map(member).join("; ")} }`;
    }
    default:
      return JSON.stringify(plain(type));
  }
}

function member({ name, optional, readonly, tsType, params, returnType }: Parts): string {
  const type = params === undefined
    ? `: ${typeText(tsType)}`
    : `(${(params as Parts[]).map(member).join(", ")}): ${typeText(returnType)}`;
  return `${readonly ? "readonly " : ""}${name}${optional ? "?" : ""}${type}`;
}

/** Without where it stands and what is said of it. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const left = ["location", "jsDoc", "resolution"];
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !left.includes(key)).map(([key, part]) => [key, plain(part)]),
  );
}
