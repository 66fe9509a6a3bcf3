/** What a metric is, as data: the catalogue is made of these, and so are the reference page, the exposition and its tests. */

/** The first word of each name that is the agent's own. */
export const prefix = 'dpu_agent_';

export type MetricType = 'gauge' | 'counter' | 'histogram';

/** Base units of Prometheus; `state` and `info` are 0 or 1, `count` has none. */
export type MetricUnit = 'seconds' | 'bytes' | 'ratio' | 'timestamp' | 'count' | 'state' | 'info';

export interface MetricSpec<Label extends string = string> {
  /** As it is exported: counters end in `_total`, others in their unit where they have one. */
  readonly name: string;
  readonly type: MetricType;
  readonly unit: MetricUnit;
  /** One sentence. */
  readonly help: string;
  readonly labels: readonly Label[];
  /** What its labels can be, where that is not plain; for the reference. */
  readonly values: string | undefined;
  /** Where the figure is from; for the reference. */
  readonly source: string;
}

/** The value of every label. */
export type LabelValues<Label extends string> = Readonly<Record<Label, string>>;

/** Counts per bucket, not cumulative; the last is above all bounds. */
export interface HistogramCounts {
  readonly boundsSeconds: readonly number[];
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

/** One series. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | HistogramCounts;
}

/** A metric with its series of one moment. */
export interface Family {
  readonly spec: MetricSpec;
  readonly samples: readonly Sample[];
}

/** Gathers the series of one scrape. What is not known has no series: absent is not zero. */
export class Families {
  readonly #samples = new Map<MetricSpec, Sample[]>();

  put<Label extends string>(
    spec: MetricSpec<Label>,
    labels: LabelValues<Label>,
    value: number | bigint | boolean | undefined,
  ): void {
    if (value !== undefined) this.#add(spec, { labels, value: Number(value) });
  }

  histogram<Label extends string>(spec: MetricSpec<Label>, labels: LabelValues<Label>, value: HistogramCounts): void {
    this.#add(spec, { labels, value });
  }

  /** One series per state, 1 for the one that holds. */
  states<Label extends string>(
    spec: MetricSpec<Label>,
    label: Label,
    states: readonly string[],
    current: string,
    rest?: Partial<LabelValues<Label>>,
  ): void {
    for (const state of states) {
      this.#add(spec, { labels: { ...rest, [label]: state }, value: state === current ? 1 : 0 });
    }
  }

  /** One series per combination of labels that occurs, with how often it does; what else an object has is left out. */
  count<Label extends string>(spec: MetricSpec<Label>, all: Iterable<LabelValues<Label>>): void {
    const counts = new Map<string, { labels: Record<string, string>; value: number }>();
    for (const object of all) {
      const key = spec.labels.map((label) => object[label]).join('\0');
      const entry = counts.get(key);
      if (entry !== undefined) entry.value += 1;
      else counts.set(key, { labels: Object.fromEntries(spec.labels.map((name) => [name, object[name]])), value: 1 });
    }
    for (const sample of counts.values()) this.#add(spec, sample);
  }

  /** The metrics that have series, in the order in which they were first put. */
  all(): readonly Family[] {
    return [...this.#samples].map(([spec, samples]) => ({ spec, samples }));
  }

  #add(spec: MetricSpec, sample: Sample): void {
    const samples = this.#samples.get(spec);
    if (samples === undefined) this.#samples.set(spec, [sample]);
    else samples.push(sample);
  }
}
