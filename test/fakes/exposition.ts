/** Reads metrics as text, as strictly as the tests need: what is no comment and no sample is an error. */

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const found = label.exec(rest);
    if (found === null) throw new Error(`no label: ${rest}`);
    const [all, name = '', value = ''] = found;
    if (name in labels) throw new Error(`label twice: ${name}`);
    labels[name] = value.replace(/\\([\\"n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(all.length);
  }
  return labels;
}

export function readExposition(text: string): readonly ReadSample[] {
  const seen = new Set<string>();
  return text
    .split('\n')
    .filter((entry) => entry !== '' && !entry.startsWith('# '))
    .map((entry) => {
      const found = line.exec(entry);
      if (found === null) throw new Error(`no sample: ${entry}`);
      const [, name = '', labels = '', value = ''] = found;
      const key = `${name}{${labels}}`;
      if (seen.has(key)) throw new Error(`series twice: ${key}`);
      seen.add(key);
      return { name, labels: readLabels(labels), value: value === '+Inf' ? Infinity : Number(value) };
    });
}

/** The value of the one series with at least these labels. */
export function valueOf(
  samples: readonly ReadSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} series of ${name} ${JSON.stringify(labels)}`);
  return found[0]?.value;
}
