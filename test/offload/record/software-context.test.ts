import { describe, expect, it } from 'vitest';
import type { Effective } from '../../../src/offload/effective-settings.js';
import { makeContext, offloadPort, type ContextSources } from '../../../src/offload/record/software-context.js';
import type { OffloadPort } from '../../../src/offload/software-reason.js';
import { interfaceFacts, uplink, vf } from '../../fakes/offload-facts.js';
import { mapOf, netdev } from '../../fakes/plan-rows.js';

const unproven: Effective = { kind: 'unknown', why: 'nobody looked' };
const effectiveOf =
  (entries: Readonly<Record<string, string>>) =>
  (key: string): Effective => {
    const value = entries[key];
    return value === undefined ? unproven : { kind: 'known', value, basis: 'test' };
  };

const rows = [
  interfaceFacts('br-int', { type: 'internal' }),
  interfaceFacts('p0'),
  interfaceFacts('pf0vf0'),
  interfaceFacts('pf0vf1', { otherConfig: mapOf({ 'hw-offload-priority': 'none' }) }),
  interfaceFacts('vxlan0', { type: 'vxlan' }),
  interfaceFacts('veth0'),
  interfaceFacts('bond0'),
  interfaceFacts('dpdk0', { type: 'dpdk' }),
  interfaceFacts('doca0', { type: 'doca' }),
];
const devices = [
  uplink,
  vf(0),
  vf(1),
  netdev('veth0', { mac: '02:00:00:00:00:99' }),
  netdev('bond0'),
  netdev('br-int'),
];

const sources = (fields: Partial<ContextSources> = {}): ContextSources => ({
  engine: 'tc',
  rows: new Map(rows.map((row) => [row.name, row])),
  devices: new Map(devices.map((device) => [device.name, device])),
  providers: undefined,
  isInEffect: true,
  effective: effectiveOf({}),
  hardwareTable: undefined,
  tcFlags: undefined,
  ...fields,
});

const offloadable = (provider: string, fields: Partial<OffloadPort> = {}): OffloadPort => ({
  ...{ kind: 'offloadable', provider, eswitch: undefined, isExempt: false },
  ...fields,
});
const onTc = offloadable('tc', { eswitch: 'e5' });
const other: OffloadPort = { kind: 'other', provider: undefined, eswitch: undefined, isExempt: false };

describe('a port of the datapath', () => {
  it.each<readonly [string, OffloadPort | undefined]>([
    ['br-int', { kind: 'internal' }],
    ['ovs-system', { kind: 'internal' }],
    ['genev_sys_6081', { kind: 'tunnel' }],
    ['vxlan0', { kind: 'tunnel' }],
    ['p0', onTc],
    ['pf0vf0', onTc],
    ['pf0vf1', { ...onTc, isExempt: true }],
    ['veth0', other],
    ['bond0', offloadable('tc')],
    ['unheard', undefined],
  ])('of kernel TC: %s', (name, port) => expect(offloadPort(name, sources())).toEqual(port));

  it.each<readonly [string, 'dpdk' | 'doca', OffloadPort]>([
    ['dpdk0', 'dpdk', offloadable('dpdk')],
    // NVIDIA's build opens ports of DOCA under the type of DPDK.
    ['dpdk0', 'doca', offloadable('doca')],
    ['doca0', 'doca', offloadable('doca')],
    // A representor that is opened as a device of the kernel is on no port of DPDK.
    ['pf0vf0', 'doca', { ...other, eswitch: 'e5' }],
    ['bond0', 'dpdk', other],
  ])('in userspace: %s under %s', (name, engine, port) => {
    expect(offloadPort(name, sources({ engine }))).toEqual(port);
  });

  it('has the provider that Open vSwitch tells', () => {
    const providers = mapOf({ 'dummy-0': 'dummy', p0: 'tc' });
    expect(offloadPort('dummy-0', sources({ engine: 'userspace', providers }))).toEqual(offloadable('dummy'));
    expect(offloadPort('p0', sources({ providers }))).toEqual(onTc);
  });
});

describe('what holds for a datapath', () => {
  it('is taken from the settings in effect', () => {
    const effective = effectiveOf({
      'tc-policy': 'skip_hw',
      'offloaded-stats-delay': '5000',
      'hw-offload-ct-ipv6-enabled': 'false',
    });
    expect(makeContext(sources({ effective, tcFlags: 'silent' }))).toMatchObject({
      ...{ engine: 'tc', isInEffect: true, tcPolicy: 'skip_hw', isCtIpv6InEffect: false, insertionDelayMs: 5_000 },
      ...{ tcFlags: 'silent', ctFill: undefined },
    });
  });

  it('explains nothing where nothing is known, or a value is none', () => {
    const effective = effectiveOf({ 'tc-policy': 'odd', 'offloaded-stats-delay': 'soon' });
    expect(makeContext(sources({ effective, isInEffect: undefined }))).toMatchObject({
      ...{ isInEffect: undefined, tcPolicy: undefined, isCtIpv6InEffect: undefined, insertionDelayMs: undefined },
    });
  });

  it('takes a yes under the older name for a yes', () => {
    const both = effectiveOf({ 'doca-ct-ipv6': 'true', 'hw-offload-ct-ipv6-enabled': 'false' });
    expect(makeContext(sources({ effective: both })).isCtIpv6InEffect).toBe(true);
  });

  it.each([
    [{ count: 50, limit: 100 }, 0.5],
    [{ count: 0, limit: 0 }, 1],
  ])('tells how full the table of connections is: %j', (table, fill) => {
    expect(makeContext(sources({ hardwareTable: { table: 'hardware', ...table } })).ctFill).toBe(fill);
  });

  it('looks each port up once, also the unheard, and answers beyond what it keeps', () => {
    let looks = 0;
    const counting = new Map(rows.map((row) => [row.name, row]));
    const get = counting.get.bind(counting);
    counting.get = (name) => {
      looks += 1;
      return get(name);
    };
    const context = makeContext(sources({ rows: counting }));
    for (let round = 0; round < 3; round += 1) {
      expect(context.port('p0')).toEqual(onTc);
      expect(context.port('unheard')).toBeUndefined();
    }
    expect(looks).toBe(2);
    for (let index = 0; index < 20_000; index += 1) context.port(`port${index}`);
    expect(context.port('pf0vf0')).toEqual(onTc);
  });
});
