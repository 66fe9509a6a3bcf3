/** A fact that pure checks judge: what was seen, or why it was not. What is not known is never guessed. */

/** Something that was looked at: what it is, or why it is not known. */
export type Fact<T> =
  { readonly kind: 'known'; readonly value: T } | { readonly kind: 'unknown'; readonly why: string };

export const known = <T>(value: T): Fact<T> => ({ kind: 'known', value });
export const unknown = (why: string): Fact<never> => ({ kind: 'unknown', why });
