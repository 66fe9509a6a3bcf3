/** A screen that is drawn again and again on a terminal (ECMA-48: ED, EL, CUP). */

/** Cleared once, before the first drawing. */
export const clearScreen = '\u001b[2J';

/** The text from the first line on, each line cleared to its end, then everything below. */
export const redraw = (text: string): string => `\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`;
