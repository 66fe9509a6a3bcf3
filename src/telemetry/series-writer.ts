/**
 * Writes the series of many objects that share their labels, a thousand interfaces say, as text in pieces, so that the event
 * loop gets its turn between two of them. What is measured stands in `metrics.ts`. Counters and gauges; one piece is one string.
 */

import { setImmediate as turn } from 'node:timers/promises';
import type { MetricSpec } from './metric-spec.js';
import type { Exposition } from './metrics.js';

/** The series of one object. */
export interface SeriesRow {
  /** As `labelText` makes it. */
  readonly labels: string;
  /** In the order of the metrics; what is not known is undefined. */
  readonly values: readonly (readonly SeriesValue[])[];
}

/** One figure. */
export interface SeriesValue {
  /** The label that tells it from the others of the row and metric: `direction="sent"`. */
  readonly label: string;
  readonly value: bigint | number | undefined;
}

/** Rows written in one go: about a quarter of a millisecond's work. */
const rowsPerPiece = 250;

const special = /[\\"\n]/;

/** A label value as both formats want it. Lone surrogates, which UTF-8 cannot carry, become U+FFFD when it is encoded. */
export function escapeLabel(value: string): string {
  if (!special.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** Labels as text without braces; empty values are left out, as Prometheus would. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const [name, value] of Object.entries(labels)) {
    if (value === '') continue;
    text += `${text === '' ? '' : ','}${name}="${escapeLabel(value)}"`;
  }
  return text;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function head({ name, help, type }: MetricSpec, exposition: Exposition): string {
  // OpenMetrics names the family of a counter without the suffix of its samples.
  const family = exposition === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  return `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${type}\n`;
}

/** The series of the rows, metric by metric, for both formats want all of a metric together. A metric without any is left out. */
export async function* writeSeries(
  specs: readonly MetricSpec[],
  rows: readonly SeriesRow[],
  exposition: Exposition,
): AsyncGenerator<string, void, undefined> {
  for (const [index, spec] of specs.entries()) {
    let before = head(spec, exposition);
    for (let from = 0; from < rows.length; from += rowsPerPiece) {
      const lines = writeRows(spec.name, index, rows, from);
      if (lines !== '') {
        yield before + lines;
        before = '';
      }
      await turn();
    }
  }
}

function writeRows(name: string, index: number, rows: readonly SeriesRow[], from: number): string {
  const to = Math.min(rows.length, from + rowsPerPiece);
  let text = '';
  for (let at = from; at < to; at += 1) {
    const row = rows[at];
    if (row === undefined) continue;
    for (const { label, value } of row.values[index] ?? []) {
      if (value !== undefined) text += `${name}{${row.labels},${label}} ${value}\n`;
    }
  }
  return text;
}
