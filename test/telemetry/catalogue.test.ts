import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/telemetry/catalogue.js';
import { metricsReference } from '../../src/telemetry/reference.js';

describe('the catalogue of metrics', () => {
  it('names each metric once', () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('uses the agent’s prefix, or the names that every client of Prometheus has', () => {
    const others = catalogue.map(({ name }) => name).filter((name) => !name.startsWith('dpu_agent_'));
    expect(others).toEqual([
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'process_resident_memory_bytes',
      'process_open_fds',
    ]);
  });

  it('ends counters in _total, and nothing else', () => {
    const wrong = catalogue.filter(({ name, type }) => name.endsWith('_total') !== (type === 'counter'));
    expect(wrong).toEqual([]);
  });

  it('ends names in their base unit', () => {
    const wrong = catalogue.filter(({ name, unit }) => {
      const stem = name.replace(/_total$/, '');
      if (unit === 'seconds' || unit === 'timestamp') return !stem.endsWith('_seconds');
      if (unit === 'bytes') return !stem.endsWith('_bytes');
      if (unit === 'info') return !stem.endsWith('_info');
      return /_(?:milliseconds|ms|kilobytes|megabytes|percent)$/.test(stem);
    });
    expect(wrong).toEqual([]);
  });

  it('has names and labels that both formats allow', () => {
    for (const { name, labels } of catalogue) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(new Set(labels).size).toBe(labels.length);
      for (const label of labels) expect(label).toMatch(/^(?!__|le$|quantile$)[a-z][a-z0-9_]*$/);
    }
  });

  it('says of each metric in one sentence what it is, and where it is from', () => {
    for (const { help, source } of catalogue) {
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
      expect(source).not.toBe('');
    }
  });

  it('is what docs/metrics.md shows', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    expect(page).toBe(metricsReference());
    for (const { name } of catalogue) expect(page).toContain(`\`${name}\``);
  });
});
