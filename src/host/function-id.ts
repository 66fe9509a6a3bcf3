/**
 * The numbers that name a function or a port, and the only way to read them from text. Annotations of the host cluster
 * carry them, so the text is hostile: `03`, `+3`, `3.0`, ` 3` and `0x3` are refused, not guessed at.
 */

/**
 * Greatest number of each kind. SR-IOV allows 16 bits of VF number; no device has more than 4096, and a bound keeps a
 * hostile number out of names and logs. Sub-function numbers are chosen by people and are 32 bits in devlink.
 */
export const functionIdMax = { controller: 255, port: 255, pf: 255, vf: 4095, sf: 0xffff_ffff } as const;

export type FunctionIdKind = keyof typeof functionIdMax;

const decimal = /^(?:0|[1-9][0-9]{0,9})$/;

/** Whether `value` is a whole number in the range of its kind. Minus zero is not: it would not be found under "0". */
export function isFunctionId(kind: FunctionIdKind, value: number): boolean {
  return Number.isInteger(value) && value >= 0 && !Object.is(value, -0) && value <= functionIdMax[kind];
}

/** The number that `text` spells in plain decimal without leading zeros, or undefined. */
export function parseFunctionId(kind: FunctionIdKind, text: string): number | undefined {
  if (!decimal.test(text)) return undefined;
  const value = Number(text);
  return isFunctionId(kind, value) ? value : undefined;
}
