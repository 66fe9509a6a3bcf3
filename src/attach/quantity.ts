/**
 * The quantities of Kubernetes (`100M`, `1.5Gi`, `1e6`, `500m`), exactly: in integers, so that no fraction is lost on the
 * way. The reader of the bandwidth annotations uses it. What a quantity counts is not known here.
 */

/**
 * Kubernetes API reference, "Quantity":
 *
 *   quantity ::= signedNumber suffix
 *   number   ::= digits | digits.digits | digits. | .digits
 *   suffix   ::= Ki Mi Gi Ti Pi Ei | n u m "" k M G T P E | (e | E) signedInteger
 */
const grammar = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,9}|)$/;

/** Longer than any number that a person writes; keeps the arithmetic small. */
const lengthMax = 64;
/** A number of 64 digits times 10^±200 is beyond every limit already, in either direction. */
const exponentMax = 200;

const decimalExponents: ReadonlyMap<string, number> = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const binaryPowers: readonly string[] = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** The value of a quantity, rounded away from zero to an integer as Kubernetes does; undefined when `text` is none. */
export function parseQuantity(text: string): bigint | undefined {
  const match = text.length > lengthMax ? null : grammar.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const scale = scaleOf(suffix);
  const exponent = scale.exponent - fraction.length;
  const digits = BigInt(whole + fraction) * scale.factor;
  const magnitude = exponent >= 0 ? digits * 10n ** BigInt(exponent) : divideUp(digits, 10n ** BigInt(-exponent));
  return sign === '-' ? -magnitude : magnitude;
}

/** What a suffix multiplies by: `factor` · 10^`exponent`. */
function scaleOf(suffix: string): { readonly factor: bigint; readonly exponent: number } {
  const binary = binaryPowers.indexOf(suffix);
  if (binary >= 0) return { factor: 1024n ** BigInt(binary + 1), exponent: 0 };
  // `E` alone is exa; with a number behind it, it is an exponent.
  const exponent = decimalExponents.get(suffix) ?? Number(suffix.slice(1));
  return { factor: 1n, exponent: Math.max(-exponentMax, Math.min(exponentMax, exponent)) };
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
