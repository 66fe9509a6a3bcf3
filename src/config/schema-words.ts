/**
 * The kinds of values that keys of the configuration have in common: numbers, names, paths, maps of text, and the selector
 * of a function. Used by the schema files only; which key has which is said there.
 */
import * as z from 'zod';

// What is allowed, in words, where the type does not already say it.
declare module 'zod' {
  interface GlobalMeta {
    allowed?: string;
  }
}

/** Text that begins with `/`. */
export const absolutePath = (meaning: string): z.ZodString =>
  z
    .string()
    .max(255)
    .regex(/^\/[^\0]*$/)
    .meta({ description: meaning, allowed: 'an absolute path' });

/** From `min` to `max`, both included. */
export const wholeNumber = (min: number, max: number, meaning: string): z.ZodInt =>
  z.int().min(min).max(max).describe(meaning);

/** A word that OVS or the kernel gives a meaning to. */
export const word = (meaning: string): z.ZodString =>
  z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/)
    .meta({ description: meaning, allowed: 'a word of letters, digits, ".", "_", "+" and "-"' });

/** Names have rules of their own, which depend on the kind of port; see names.ts. */
export const name = (meaning: string): z.ZodString =>
  z.string().min(1).max(255).meta({ description: meaning, allowed: 'a name' });

/** Keys and values of a map column of OVSDB. */
export const textMap = (meaning: string): z.ZodRecord<z.ZodString, z.ZodString> =>
  z
    .record(
      z
        .string()
        .regex(/^[!-~]+$/)
        .max(255)
        .meta({ allowed: 'a key of printable ASCII characters without spaces' }),
      // The database refuses NUL, and half a surrogate pair is no text (RFC 7047 section 3.1; RFC 8259 section 8.2).
      z
        .string()
        .max(4096)
        .regex(/^[^\0\p{Surrogate}]*$/u)
        .meta({ allowed: 'text of up to 4096 characters without NUL and lone surrogates' }),
    )
    .describe(meaning);

/** The same, empty when absent. */
export const stringMap = (meaning: string): z.ZodDefault<z.ZodRecord<z.ZodString, z.ZodString>> =>
  textMap(meaning).default({});

/** Which function a representor stands for. */
export const representorSelector = z
  .strictObject({
    pf: wholeNumber(0, 15, 'Physical function'),
    vf: wholeNumber(0, 4095, 'Virtual function of pf; neither vf nor sf means the PF itself').exactOptional(),
    sf: wholeNumber(0, 65_535, 'Scalable function of pf').exactOptional(),
    controller: wholeNumber(
      0,
      255,
      'Whose function it is: 1 and above a host, 0 the DPU, for SFs only; when absent a host, or the DPU for SFs',
    ).exactOptional(),
  })
  .describe('kind representor: the function that the device stands for');
