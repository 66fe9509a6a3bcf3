/** Short forms in which the catalogue of metrics is written. */

import { prefix, type MetricSpec } from './metric-spec.js';

interface Rest<Label extends string> {
  readonly labels?: readonly Label[];
  readonly values?: string;
  readonly from: string;
}

/** A metric under its whole name. */
export function build<Label extends string>(
  type: MetricSpec['type'],
  unit: MetricSpec['unit'],
  name: string,
  help: string,
  { labels = [], values, from }: Rest<Label>,
): MetricSpec<Label> {
  return { name, type, unit, help, labels, values, source: from };
}

/** A gauge under the prefix. */
export function gauge<const Label extends string = never>(
  unit: MetricSpec['unit'],
  name: string,
  help: string,
  rest: Rest<Label>,
): MetricSpec<Label> {
  return build('gauge', unit, `${prefix}${name}`, help, rest);
}

/** A counter under the prefix; `_total` is added. */
export function counter<const Label extends string = never>(
  unit: MetricSpec['unit'],
  name: string,
  help: string,
  rest: Rest<Label>,
): MetricSpec<Label> {
  return build('counter', unit, `${prefix}${name}_total`, help, rest);
}
