/**
 * `metrics/show`, which NVIDIA's releases have: the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). The port that exports the same speaks it too. Never run against
 * a daemon here: its fixture is written by hand from the names that exporters document.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface MetricSample {
  readonly labels: ReadonlyMap<string, string>;
  /** NaN and infinities are possible. */
  readonly value: number;
}

export interface MetricFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface Metrics {
  /** By name of the sample, so that `_sum`, `_count` and `_bucket` of a histogram stand by themselves. */
  readonly families: ReadonlyMap<string, MetricFamily>;
  readonly unknown: UnknownLines;
}

interface Draft {
  type: string;
  help: string;
  readonly samples: MetricSample[];
}

export function parseMetrics(text: string): Metrics {
  const families = new Map<string, Draft>();
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const comment = /^#\s*(HELP|TYPE)\s+(\S+)\s*(.*)$/.exec(line);
    if (comment !== null) {
      const family = familyOf(families, comment[2] ?? '');
      if (comment[1] === 'TYPE') family.type = comment[3] ?? '';
      else family.help = comment[3] ?? '';
    } else if (!line.startsWith('#') && !sampleLine(line, families)) unknown.add(line);
  }
  return { families, unknown: unknown.result };
}

/** The sum of the samples of `name` whose labels contain `labels`; undefined when there are none. */
export function sumOf(
  metrics: Metrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels);
  const samples = metrics.families.get(name)?.samples ?? [];
  const found = samples.filter((sample) => wanted.every(([key, value]) => sample.labels.get(key) === value));
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

function familyOf(families: Map<string, Draft>, name: string): Draft {
  const known = families.get(name);
  if (known !== undefined) return known;
  const made = { type: 'untyped', help: '', samples: [] };
  families.set(name, made);
  return made;
}

/** `name{label="value",...} value [timestamp]` */
function sampleLine(line: string, families: Map<string, Draft>): boolean {
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
  if (name === undefined) return false;
  const labels = new Map<string, string>();
  let at = name.length;
  if (line[at] === '{') {
    const end = readLabels(line, at + 1, labels);
    if (end === undefined) return false;
    at = end;
  }
  const match = /^\s+(\S+)(?:\s+-?\d+)?\s*$/.exec(line.slice(at));
  const value = match === null ? undefined : valueOf(match[1] ?? '');
  if (value === undefined) return false;
  familyOf(families, name).samples.push({ labels, value });
  return true;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

/** Returns where the samples' value begins; undefined for broken labels. */
function readLabels(line: string, start: number, labels: Map<string, string>): number | undefined {
  const label = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y;
  let at = start;
  while (line[at] !== '}') {
    label.lastIndex = at;
    const match = label.exec(line);
    if (match === null) return undefined;
    const [all, name = '', value = ''] = match;
    labels.set(
      name,
      value.replaceAll(/\\(.)/g, (text, sign: string) => escapes[sign] ?? text),
    );
    at += all.length;
  }
  return at + 1;
}

function valueOf(text: string): number | undefined {
  const words: Readonly<Record<string, number>> = { NaN, '+Inf': Infinity, Inf: Infinity, '-Inf': -Infinity };
  if (Object.hasOwn(words, text)) return words[text];
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}
