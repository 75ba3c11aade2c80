/**
 * Scales, ticks and number labels that every plot shares.
 * @module
 */

/** A linear map from data to drawing units. */
export interface Scale {
  /** Least and largest datum, least first, not equal. */
  readonly domain: readonly [number, number];
  /** Where datum `x` is drawn. */
  at(x: number): number;
}

/** A scale from `domain` to `range`; an empty domain is widened by 0.5 on either side. */
export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [lower, upper] = domain[0] === domain[1] ? [domain[0] - 0.5, domain[1] + 0.5] : domain;
  return {
    domain: [lower, upper],
    at: (x) => range[0] + ((x - lower) / (upper - lower)) * (range[1] - range[0]),
  };
}

/** Round ticks (1, 2 or 5 times a power of ten apart) inside `domain`, about `count` of them. */
export function ticks(domain: readonly [number, number], count: number): number[] {
  const [lower, upper] = domain;
  const raw = (upper - lower) / Math.max(1, count);
  if (!(raw > 0) || !Number.isFinite(raw)) return [lower];
  const power = 10 ** Math.floor(Math.log10(raw));
  // The step whose logarithm is nearest: the bounds are the geometric means of 1, 2, 5 and 10.
  const lead = raw / power;
  const step = power * (lead >= Math.sqrt(50) ? 10 : lead >= Math.sqrt(10) ? 5 : lead >= Math.SQRT2 ? 2 : 1);
  const found: number[] = [];
  for (let i = Math.ceil(lower / step - 1e-9); i * step <= upper + step * 1e-9; i++) {
    found.push(Number((i * step).toPrecision(12)));
  }
  return found;
}

/** A tick's label: a true minus sign, thousands as `k` and `M`, tiny and huge numbers in powers. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  let text: string;
  if (size >= 1e9 || (size > 0 && size < 1e-3)) text = value.toExponential().replace("e+", "e");
  else if (size >= 1e6) text = `${Number((value / 1e6).toPrecision(4))}M`;
  else if (size >= 1e4) text = `${Number((value / 1e3).toPrecision(4))}k`;
  else text = String(Number(value.toPrecision(6)));
  return text.replaceAll("-", "−");
}

/** A count with thin thousands marks, as in `12,345`. */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A measured value to three significant digits, or a dash when there is none. */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e6 || size < 1e-3)
    ? value.toExponential(2)
    : size >= 100
    ? String(Math.round(value))
    : value.toPrecision(3);
  return text.replaceAll("-", "−");
}
