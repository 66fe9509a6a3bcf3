import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { exporterLimits, OffloadExporter } from '../../src/adapters/offload-exporter.js';
import { ManualClock } from '../config/manual-clock.js';
import { fixture } from '../fakes/unixctl-fixture.js';
import { eventually } from '../integration/lab/daemon.js';

const never = new AbortController().signal;
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** An exporter's end; the number of questions that it was asked. */
async function serve(listener: RequestListener): Promise<{ readonly port: number; readonly asked: () => number }> {
  let asked = 0;
  const made = createServer((request, response) => {
    asked += 1;
    listener(request, response);
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return { port: (made.address() as AddressInfo).port, asked: () => asked };
}

const datapath = '{datapath="netdev@ovs-netdev"}';
const counters = [
  `ovs_vswitchd_datapath_packets_total${datapath} 2267`,
  `ovs_vswitchd_datapath_offloaded_packets_total${datapath} 2200`,
  '',
].join('\n');

describe('the exporter', () => {
  it('tells the packets of each datapath, however its answer is cut', async () => {
    const { port } = await serve((request, response) => {
      expect(request.url).toBe('/metrics');
      const text = `${fixture('by-hand/metrics-show').replaceAll(/.*datapath_(offloaded_)?packets_total.*\n/g, '')}${counters}`;
      for (let at = 0; at < text.length; at += 7) response.write(text.slice(at, at + 7));
      response.end();
    });
    expect(await new OffloadExporter(port, new ManualClock()).read(never)).toEqual({
      kind: 'known',
      value: [{ datapath: 'netdev@ovs-netdev', packets: 2267, offloadedPackets: 2200 }],
    });
  });

  it('is not believed where a counter is damaged', async () => {
    const { port } = await serve((_, response) => response.end(fixture('by-hand/metrics-show')));
    expect(await new OffloadExporter(port, new ManualClock()).read(never)).toMatchObject({ kind: 'unknown' });
  });

  it('is not asked without a port', async () => {
    expect(await new OffloadExporter(0, new ManualClock()).read(never)).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('no port of an exporter') as string,
    });
  });

  it('is left alone for a minute after a failure', async () => {
    let status = 503;
    const { port, asked } = await serve((_, response) => {
      response.statusCode = status;
      response.end(counters);
    });
    const clock = new ManualClock();
    const exporter = new OffloadExporter(port, clock);
    const why = `the exporter at port ${port} gives nothing: HTTP status 503`;
    expect(await exporter.read(never)).toEqual({ kind: 'unknown', why });
    status = 200;
    clock.advance(59_999);
    expect(await exporter.read(never)).toEqual({ kind: 'unknown', why });
    expect(asked()).toBe(1);
    clock.advance(1);
    expect(await exporter.read(never)).toMatchObject({ kind: 'known' });
    expect(await exporter.read(never)).toMatchObject({ kind: 'known' });
    expect(asked()).toBe(3);
  });

  it('is given up when nobody listens', async () => {
    const { port } = await serve((_, response) => response.end());
    await new Promise((resolve) => server?.close(resolve));
    expect(await new OffloadExporter(port, new ManualClock()).read(never)).toEqual({
      kind: 'unknown',
      why: `the exporter at port ${port} gives nothing: ECONNREFUSED`,
    });
  });

  it('has a second for its whole answer', async () => {
    const { port, asked } = await serve((_, response) => void response.write(counters));
    const clock = new ManualClock();
    const reading = new OffloadExporter(port, clock).read(never);
    await eventually(() => asked() === 1, 'a question');
    clock.advance(1_000);
    expect(await reading).toEqual({
      kind: 'unknown',
      why: `the exporter at port ${port} gives nothing: no whole answer in 1000 ms`,
    });
    expect(clock.timerCount).toBe(0);
  });

  it('may not talk for ever', async () => {
    const { port } = await serve((_, response) => {
      const line = `${'x'.repeat(1023)}\n`;
      const more = (): void => {
        while (response.write(line));
        response.once('drain', more);
      };
      response.on('error', () => undefined);
      more();
    });
    const limits = { ...exporterLimits, sizeMax: 1 << 16 };
    expect(await new OffloadExporter(port, new ManualClock(), limits).read(never)).toMatchObject({
      why: expect.stringContaining('longer than 65536 bytes') as string,
    });
  });

  it('is let go by who asked, which is no failure of it', async () => {
    const { port, asked } = await serve((_, response) => {
      if (asked() > 1) response.end(counters);
    });
    const exporter = new OffloadExporter(port, new ManualClock());
    const abort = new AbortController();
    const reading = exporter.read(abort.signal);
    await eventually(() => asked() === 1, 'a question');
    abort.abort();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await exporter.read(never)).toMatchObject({ kind: 'known' });
  });
});
