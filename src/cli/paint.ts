/** Colours on a terminal: few, and never the only sign of anything. SGR codes: ECMA-48 section 8.3.117. */

/** What a colour means. */
export type Tone = 'good' | 'wait' | 'bad' | 'dim';

export type Paint = (tone: Tone, text: string) => string;

const codes: Readonly<Record<Tone, number>> = { good: 32, wait: 33, bad: 31, dim: 2 };

/** Leaves everything as it is. */
export const plainPaint: Paint = (_tone, text) => text;

export const colorPaint: Paint = (tone, text) => (text === '' ? '' : `\u001b[${codes[tone]}m${text}\u001b[0m`);

/** The tone of a word that says how something is; undefined for other words. */
export function toneOf(word: string): Tone | undefined {
  switch (word) {
    case 'ready':
    case 'READY':
    case 'applied':
      return 'good';
    case 'waiting':
    case 'accepted':
    case 'conflict':
    case 'unknown':
      return 'wait';
    case 'failed':
    case 'NOT READY':
    case 'degraded':
    case 'refused':
      return 'bad';
    default:
      return undefined;
  }
}

/** Colours the words of a column of states in lines of a table that has been laid out. */
export function paintStates(table: string, paint: Paint): string {
  return table.replace(/(?<= {2})(?:ready|waiting|failed|degraded|accepted|applied)(?= {2}|$)/gm, (word) => {
    const tone = toneOf(word);
    return tone === undefined ? word : paint(tone, word);
  });
}

/** Colours the marks at the start of the lines of a ladder or an account. */
export function paintMarks(text: string, paint: Paint): string {
  return text.replace(/^( {2})([✓✗…!])(?= )/gmu, (_all, indent: string, mark: string) => {
    return `${indent}${paint(mark === '✓' ? 'good' : mark === '✗' ? 'bad' : 'wait', mark)}`;
  });
}
