/** Which format a client wants its metrics in (RFC 9110 section 12.5.1), and whether compressed (12.5.3). Pure. */

import type { Exposition } from './metrics.js';

interface Choice {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** Longer headers than this are nobody's; the rest is not looked at. */
const lengthMax = 1_024;

function choicesOf(header: string | undefined): readonly Choice[] {
  return (header ?? '').slice(0, lengthMax).split(',').map(choiceOf);
}

function choiceOf(text: string): Choice {
  const [value = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase());
  const parameters = new Map(
    rest.map((part) => {
      const [name = '', content = ''] = part.split('=');
      return [name.trim(), content.trim().replace(/^"|"$/g, '')] as const;
    }),
  );
  const quality = Number(parameters.get('q') ?? '1');
  return { value, parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** OpenMetrics 1.0.0 only for those who ask for it and do not like plain text better; plain text for all others. */
export function negotiateExposition(accept: string | undefined): Exposition {
  const choices = choicesOf(accept);
  const open = choices.filter(
    ({ value, parameters }) =>
      value === 'application/openmetrics-text' && ['1.0.0', undefined].includes(parameters.get('version')),
  );
  const best = (list: readonly Choice[]): number => Math.max(0, ...list.map(({ quality }) => quality));
  const of = (...values: readonly string[]): readonly Choice[] => choices.filter(({ value }) => values.includes(value));
  // What names the format more exactly counts for it; who takes anything takes plain text as well.
  const plain = [of('text/plain'), of('text/*'), of('*/*')].find((list) => list.length > 0) ?? [];
  return best(open) > 0 && best(open) >= best(plain) ? 'openmetrics' : 'prometheus';
}

/** Whether the client takes gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return choicesOf(acceptEncoding).some(({ value, quality }) => value === 'gzip' && quality > 0);
}
