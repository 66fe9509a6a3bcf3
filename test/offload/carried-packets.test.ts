import { describe, expect, it } from 'vitest';
import { known } from '../../src/model/fact.js';
import { objectsOfPods, objectsOfPorts } from '../../src/offload/offload-objects.js';
import type { DeviceCounters } from '../../src/offload/readings.js';
import { TrafficRecord } from '../../src/offload/traffic-record.js';

const device = (packets: number, cpuPackets: number | undefined, ifindex = 7): DeviceCounters => ({
  ifindex,
  packets,
  bytes: packets * 64,
  cpuPackets,
  cpuBytes: undefined,
});

function recordOf(): TrafficRecord {
  const record = new TrafficRecord({ ratioPacketsMin: 16, delayMs: 2_000 });
  record.setPorts([
    { name: 'rep', engine: 'tc' },
    { name: 'veth', engine: 'tc' },
  ]);
  return record;
}

const look = (record: TrafficRecord, readAtMs: number, rep: DeviceCounters): void =>
  record.noteDevices({
    readAtMs,
    devices: known(
      new Map([
        ['rep', rep],
        ['veth', device(500, undefined)],
      ]),
    ),
  });

const objects = [
  ...objectsOfPorts(['rep', 'veth']),
  ...objectsOfPods([
    { namespace: 'shop', name: 'web', attachments: [{ nadKey: 'default', device: 'rep', isPlugged: true }] },
  ]),
];

describe('the packets of one object since somebody looks', () => {
  it('are those of its port, and grow with them', () => {
    const record = recordOf();
    look(record, 0, device(1_000, 1_000));
    look(record, 10_000, device(2_000, 1_050));
    look(record, 20_000, device(3_000, 1_100));
    const early = record.attribute(objects, 20_000).row('port/rep')?.carried;
    look(record, 30_000, device(9_000, 1_150));
    look(record, 40_000, device(9_000, 1_150));
    const late = record.attribute(objects, 40_000);
    const carried = late.row('port/rep')?.carried;
    expect(carried?.software).toBeGreaterThanOrEqual(100);
    expect(carried?.hardware).toBeGreaterThan(early?.hardware ?? Infinity);
    expect(late.row('attachment/shop/web/default')?.carried).toEqual(carried);
  });

  it('do not fall when the device is made anew', () => {
    const record = recordOf();
    for (let at = 0; at < 5; at += 1) look(record, at * 10_000, device(at * 1_000, at * 10));
    const before = record.attribute(objects, 40_000).row('port/rep')?.carried;
    look(record, 50_000, device(5, 5, 8));
    look(record, 60_000, device(5, 5, 8));
    const after = record.attribute(objects, 60_000).row('port/rep')?.carried;
    expect(before?.hardware).toBeGreaterThan(0);
    expect(after?.hardware).toBeGreaterThanOrEqual(before?.hardware ?? Infinity);
    expect(after?.software).toBeGreaterThanOrEqual(before?.software ?? Infinity);
  });

  it('are not known of a port whose device does not count them', () => {
    const record = recordOf();
    look(record, 0, device(0, 0));
    look(record, 10_000, device(100, 0));
    expect(record.attribute(objects, 10_000).row('port/veth')?.carried).toBeUndefined();
  });
});
