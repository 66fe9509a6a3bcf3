import { describe, expect, it } from 'vitest';
import { apiMetrics, agentMetrics, interfaceMetrics, workMetrics } from '../../src/telemetry/catalogue.js';
import { Families } from '../../src/telemetry/metric-spec.js';
import { renderFamilies, type Exposition } from '../../src/telemetry/metrics.js';
import { labelText, writeSeries, type SeriesRow } from '../../src/telemetry/series-writer.js';
import { readExposition, valueOf } from '../fakes/exposition.js';

const hostile = 'a"b\\c\nd} 1\n# EOF\nforged{x="y';

async function written(rows: readonly SeriesRow[], exposition: Exposition = 'prometheus'): Promise<readonly string[]> {
  const pieces: string[] = [];
  for await (const piece of writeSeries([interfaceMetrics.packets, interfaceMetrics.bytes], rows, exposition)) {
    pieces.push(piece);
  }
  return pieces;
}

const rowOf = (name: string, packets: bigint | undefined, bytes: bigint | undefined): SeriesRow => ({
  labels: labelText({ interface: name }),
  values: [[{ label: 'direction="sent"', value: packets }], [{ label: 'direction="sent"', value: bytes }]],
});

describe('what prom-client renders', () => {
  it('has a head and a line per series', async () => {
    const families = new Families();
    families.put(agentMetrics.ready, {}, true);
    families.count(agentMetrics.findings, [{ reason: 'A' }, { reason: 'A' }, { reason: 'B' }]);
    const text = await renderFamilies(families.all(), 'prometheus');
    expect(text).toContain('# TYPE dpu_agent_ready gauge\ndpu_agent_ready 1\n');
    expect(text).toContain('dpu_agent_findings{reason="A"} 2\ndpu_agent_findings{reason="B"} 1\n');
    expect(text).toContain(`# HELP dpu_agent_ready ${agentMetrics.ready.help}\n`);
  });

  it('counts by the labels of the metric alone, whatever else an object has', async () => {
    const families = new Families();
    const objects = [
      { reason: 'A', message: 'one' },
      { reason: 'A', message: 'two' },
    ];
    families.count(agentMetrics.findings, objects);
    const samples = readExposition(await renderFamilies(families.all(), 'prometheus'));
    expect(samples).toEqual([{ name: 'dpu_agent_findings', labels: { reason: 'A' }, value: 2 }]);
  });

  it('leaves out what is not known, instead of calling it zero', () => {
    const families = new Families();
    families.put(agentMetrics.statusAge, {}, undefined);
    expect(families.all()).toEqual([]);
  });

  it('makes buckets cumulative and ends them at infinity', async () => {
    const families = new Families();
    const value = { boundsSeconds: [0.1, 1], counts: [2, 3, 4], sumSeconds: 12.5 };
    families.histogram(workMetrics.latency, { loop: 'ports', phase: 'plan' }, value);
    const samples = readExposition(await renderFamilies(families.all(), 'prometheus'));
    const name = 'dpu_agent_loop_latency_seconds';
    expect(['0.1', '1', '+Inf'].map((le) => valueOf(samples, `${name}_bucket`, { le }))).toEqual([2, 5, 9]);
    expect(valueOf(samples, `${name}_sum`, { loop: 'ports', phase: 'plan' })).toBe(12.5);
    expect(valueOf(samples, `${name}_count`)).toBe(9);
  });

  it('names the family of a counter without _total in OpenMetrics, its samples with it', async () => {
    const families = new Families();
    families.put(apiMetrics.httpRequests, { route: '/metrics', code: '200' }, 3);
    const text = await renderFamilies(families.all(), 'openmetrics');
    expect(text).toContain('# TYPE dpu_agent_http_requests counter\n');
    expect(text).toContain('dpu_agent_http_requests_total{route="/metrics",code="200"} 3\n');
    expect(text).not.toContain('# EOF');
  });

  it('keeps hostile label values inside their quotes', async () => {
    const families = new Families();
    families.put(workMetrics.sessionUp, { protocol: 'openflow', peer: hostile }, 1);
    const samples = readExposition(await renderFamilies(families.all(), 'openmetrics'));
    expect(samples).toMatchObject([{ labels: { peer: hostile } }]);
  });
});

describe('the writer of many series', () => {
  it('writes each metric in one block, all rows in it', async () => {
    const text = (await written([rowOf('p0', 1n, 10n), rowOf('p1', 2n, 20n)])).join('');
    expect(text).toBe(
      [
        '# HELP dpu_agent_interface_packets_total Packets.',
        '# TYPE dpu_agent_interface_packets_total counter',
        'dpu_agent_interface_packets_total{interface="p0",direction="sent"} 1',
        'dpu_agent_interface_packets_total{interface="p1",direction="sent"} 2',
        '# HELP dpu_agent_interface_bytes_total Bytes.',
        '# TYPE dpu_agent_interface_bytes_total counter',
        'dpu_agent_interface_bytes_total{interface="p0",direction="sent"} 10',
        'dpu_agent_interface_bytes_total{interface="p1",direction="sent"} 20',
        '',
      ].join('\n'),
    );
  });

  it('leaves out unknown counters, and the head of a metric that has none', async () => {
    const text = (await written([rowOf('p0', undefined, 10n)])).join('');
    expect(text).not.toContain('packets');
    expect(text).toContain('bytes_total{interface="p0",direction="sent"} 10\n');
  });

  it('keeps hostile names inside their quotes', async () => {
    const [sample, ...rest] = readExposition((await written([rowOf(hostile, 1n, undefined)])).join(''));
    expect(sample?.labels['interface']).toBe(hostile);
    expect(rest).toEqual([]);
  });

  it('writes counters beyond what a number holds exactly', async () => {
    const text = (await written([rowOf('p0', 2n ** 64n - 1n, undefined)])).join('');
    expect(text).toContain('} 18446744073709551615\n');
  });

  it('lets the event loop have its turn between two pieces', async () => {
    const rows = Array.from({ length: 1_000 }, (_, index) => rowOf(`p${index}`, 1n, 2n));
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const pieces = await written(rows);
    isOver = true;
    expect(pieces.length).toBeGreaterThanOrEqual(8);
    expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
    expect(readExposition(pieces.join(''))).toHaveLength(2_000);
  });

  it('leaves out empty labels, as Prometheus would', () => {
    expect(labelText({ bridge: 'br-int', pod: '' })).toBe('bridge="br-int"');
  });
});
