/**
 * Random intents, devices and observed states for the properties of the planner. Names come from a small pool, so that
 * intents, rows and devices meet one another in every way: ports named like bridges, patches with themselves, bond members
 * named like wanted ports, notes that somebody damaged.
 */

import fc from 'fast-check';
import type { Attachment, BridgeIntent, Intents, PortIntent } from '../../src/model/intent.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { Observed, ObservedBridge, ObservedInterface, ObservedPort } from '../../src/model/observed.js';
import { managedKeysKey, ownerKey, pinsKey, type StringMap } from '../../src/model/ownership.js';
import { bridgeIntent, bridgeRow, interfaceRow, netdev, observedOf, owner, portIntent, portRow } from './plan-rows.js';

const bridgeNames = ['br-a', 'br-b', 'br-c'] as const;
const portNames = ['p0', 'p1', 'p2', 'x0', 'x1', 'br-a', 'br-c'] as const;
const deviceNames = ['p0', 'p1', 'p2', 'x0', 'r0', 'r1'] as const;
const memberNames = ['m0', 'm1', 'p1', 'x1', 'br-b'] as const;

const bridgeName = fc.constantFrom(...bridgeNames);
const portName = fc.constantFrom(...portNames);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

const key = fc.constantFrom('k1', 'k2', 'iface-id', 'a:b', '', '__proto__', 'datapath-id', 'hwaddr', 'peer');
const value = fc.constantFrom('', 'v', 'w', '0001000000000009');
/** Keys of an intent; now and then one that is not its to name. */
const intentMap: fc.Arbitrary<StringMap> = fc
  .array(fc.tuple(fc.oneof({ weight: 9, arbitrary: key }, fc.constantFrom(ownerKey, managedKeysKey, pinsKey)), value), {
    maxLength: 3,
  })
  .map((entries) => new Map(entries));

const source = fc.record({ rank: fc.integer({ min: 0, max: 2 }), name: fc.constantFrom('a', 'b') });
const mtu = maybe(fc.constantFrom(1500, 9000));
const ofport = maybe(fc.constantFrom(1, 2, 32768, 40000));

const vlan = fc.record({
  tag: maybe(fc.constantFrom(7, 8)),
  trunks: fc.array(fc.constantFrom(1, 2, 3), { maxLength: 4 }),
  mode: maybe(fc.constantFrom('access' as const, 'trunk' as const)),
});

const attachment: fc.Arbitrary<Attachment> = fc.oneof(
  fc.constant<Attachment>({ kind: 'system' }),
  fc.constant<Attachment>({ kind: 'internal' }),
  fc.constant<Attachment>({ kind: 'dpdk', type: 'dpdk' }),
  fc.record({ kind: fc.constant('patch' as const), peer: portName, peerBridge: bridgeName }),
  fc.record({
    kind: fc.constant('representor' as const),
    selector: fc.record({
      kind: fc.constant('hostVf' as const),
      pf: fc.constant(0),
      vf: fc.integer({ min: 0, max: 2 }),
    }),
    type: maybe(fc.constantFrom('', 'dpdk')),
  }),
);

const bridge: fc.Arbitrary<BridgeIntent> = fc
  .record({
    mode: fc.constantFrom('own' as const, 'own' as const, 'own' as const, 'share' as const, 'observe' as const),
    adopt: fc.boolean(),
    datapathType: fc.constantFrom(undefined, undefined, 'netdev', 'system', 'doca'),
    failMode: maybe(fc.constantFrom('secure' as const, 'standalone' as const)),
    protocols: fc.array(fc.constantFrom('OpenFlow13', 'OpenFlow15'), { maxLength: 3 }),
    datapathId: maybe(fc.constantFrom('0001000000000001', '0001000000000002')),
    hwaddr: maybe(fc.constant('02:00:00:00:00:01')),
    mtu,
    otherConfig: intentMap,
    externalIds: intentMap,
    source,
  })
  .chain((fields) => bridgeName.map((name) => bridgeIntent(name, fields)));

const port: fc.Arbitrary<PortIntent> = fc
  .record({
    attachment,
    adopt: fc.boolean(),
    vlan,
    ofport,
    mtu,
    options: intentMap,
    otherConfig: intentMap,
    externalIds: intentMap,
    interfaceExternalIds: intentMap,
    source,
  })
  .chain((fields) =>
    fc
      .tuple(maybe(portName), fc.oneof({ weight: 9, arbitrary: bridgeName }, fc.constant('br-unknown')))
      .map(([name, on]) => portIntent(name, on, fields)),
  );

export const anyIntents: fc.Arbitrary<Intents> = fc.record({
  bridges: fc.array(bridge, { minLength: 1, maxLength: 4 }),
  ports: fc.array(port, { maxLength: 7 }),
});

export const anyNetdevs: fc.Arbitrary<ReadonlyMap<string, Netdev>> = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom(...deviceNames),
      ifindex: fc.integer({ min: 1, max: 3 }),
      isPromiscuous: fc.boolean(),
      vf: maybe(fc.integer({ min: 0, max: 2 })),
    }),
    { selector: ({ name }) => name },
  )
  .map((entries) => new Map(entries.map((entry) => [entry.name, netdev(entry.name, entry)])));

const mark = fc.constantFrom<string | undefined>(owner, owner, owner, undefined, undefined, 'agent-2');
const managedNote = fc.constantFrom<string | undefined>(
  undefined,
  undefined,
  'not json',
  '{"a":1}',
  '[1,"nocolon"]',
  '["external_ids:k1","other_config:k2","options:peer","status:x"]',
  `["external_ids:${ownerKey}","external_ids:${managedKeysKey}"]`,
);
const pinsNote = fc.constantFrom<string | undefined>(
  undefined,
  undefined,
  '[]',
  'null',
  '{"ofport":"40000"}',
  '{"ofport":"1"}',
  '{"ofport":"70000"}',
  '{"ofport":7}',
  '{"ofport":"x","datapath-id":"0001000000000007","hwaddr":"02:00:00:00:00:07"}',
);

const rowMap: fc.Arbitrary<StringMap> = fc
  .array(fc.tuple(key, value), { maxLength: 3 })
  .map((entries) => new Map(entries));

const markedMap: fc.Arbitrary<StringMap> = fc
  .tuple(rowMap, mark, managedNote, pinsNote)
  .map(([map, by, managed, pins]) => {
    const notes: [string, string | undefined][] = [
      [ownerKey, by],
      [managedKeysKey, managed],
      [pinsKey, pins],
    ];
    return new Map([...map, ...notes.filter((note): note is [string, string] => note[1] !== undefined)]);
  });

const bridgeCells: fc.Arbitrary<Partial<ObservedBridge>> = fc.record({
  datapathType: fc.constantFrom('', 'netdev', 'bogus'),
  failMode: maybe(fc.constantFrom('secure' as const, 'standalone' as const)),
  protocols: fc.uniqueArray(fc.constantFrom('OpenFlow13', 'OpenFlow15')),
  datapathId: maybe(fc.constant('0000020000000005')),
  otherConfig: rowMap,
  externalIds: markedMap,
});

const interfaceCells: fc.Arbitrary<Partial<ObservedInterface>> = fc.record({
  type: fc.constantFrom('', 'internal', 'patch', 'dpdk'),
  options: rowMap,
  ofport: maybe(fc.constantFrom(-1, 1, 2, 3, 32768)),
  ofportRequest: maybe(fc.constantFrom(1, 2, 40000)),
  mtu: maybe(fc.constantFrom(1500, 9000)),
  mtuRequest: maybe(fc.constantFrom(1500, 9000)),
  error: maybe(fc.constant('broken')),
  linkState: maybe(fc.constantFrom('up' as const, 'down' as const)),
  ifindex: maybe(fc.integer({ min: 1, max: 3 })),
  macInUse: maybe(fc.constant('02:00:00:00:00:06')),
  externalIds: markedMap,
});

export const anyPortCells: fc.Arbitrary<Partial<ObservedPort>> = fc.record({
  tag: maybe(fc.constantFrom(7, 9)),
  trunks: fc.uniqueArray(fc.constantFrom(1, 2, 3)),
  vlanMode: maybe(fc.constantFrom('access', 'trunk', 'dot1q-tunnel')),
  otherConfig: rowMap,
  externalIds: markedMap,
});

/** One port row: where it is, and its interfaces: its own, a bond with another, or somebody else's alone. */
const portDraft = fc.record({
  name: fc.constantFrom(...portNames, 'br-b', 'r0', 'r1', 'f0'),
  bridgeIndex: fc.nat({ max: 2 }),
  cells: anyPortCells,
  main: interfaceCells,
  member: maybe(fc.record({ name: fc.constantFrom(...memberNames), cells: interfaceCells })),
  isReplaced: fc.boolean().map((flag) => flag),
});
type PortDraft = typeof portDraft extends fc.Arbitrary<infer T> ? T : never;

/** Rows that the database would accept: each name once, each port on a bridge that exists. */
function buildPorts(drafts: readonly PortDraft[], bridges: readonly ObservedBridge[]): ObservedPort[] {
  const interfaceNames = new Set(drafts.map(({ name }) => name as string));
  const isLocal = (name: string): boolean => bridges.some((row) => row.name === name);
  return drafts.flatMap(({ name, bridgeIndex, cells, main, member, isReplaced }) => {
    const on = isLocal(name) ? name : bridges[bridgeIndex % Math.max(bridges.length, 1)]?.name;
    if (on === undefined) return [];
    const interfaces = [interfaceRow(name, main)];
    if (member !== undefined && !interfaceNames.has(member.name)) {
      interfaceNames.add(member.name);
      if (isReplaced) interfaces.pop();
      interfaces.push(interfaceRow(member.name, member.cells));
    }
    return [portRow(name, on, { ...cells, interfaces })];
  });
}

export const anyObserved: fc.Arbitrary<Observed> = fc
  .record({
    bridges: fc.uniqueArray(
      fc.tuple(fc.constantFrom(...bridgeNames, 'br-f'), bridgeCells).map(([name, cells]) => bridgeRow(name, cells)),
      { selector: ({ name }) => name, maxLength: 4 },
    ),
    drafts: fc.uniqueArray(portDraft, { selector: ({ name }) => name, maxLength: 8 }),
    netdevs: anyNetdevs,
    datapathTypes: fc.constantFrom<readonly string[]>([], ['netdev', 'system']),
    isDpdkInitialized: fc.boolean(),
  })
  .chain((fields) =>
    fc.subarray(fields.bridges.map(({ name }) => name)).map((answering) =>
      observedOf({
        root: {
          datapathTypes: fields.datapathTypes,
          ifaceTypes: ['internal', 'patch', 'dpdk'],
          isDpdkInitialized: fields.isDpdkInitialized,
        },
        bridges: fields.bridges,
        ports: buildPorts(fields.drafts, fields.bridges),
        netdevs: [...fields.netdevs.values()],
        answering,
      }),
    ),
  );

/** What may happen to one port behind the agent's back; `device`: its network device is created anew, or goes. */
export const anyTampering = fc.record({
  portIndex: fc.nat(),
  cells: anyPortCells,
  main: interfaceCells,
  what: fc.constantFrom(
    ...(['port', 'interface', 'both', 'removed', 'deviceRecreated', 'deviceRecreated', 'deviceGone'] as const),
  ),
});
type Tampering = typeof anyTampering extends fc.Arbitrary<infer T> ? T : never;

/** The observed state after foreign edits. */
export function tamper(observed: Observed, edits: readonly Tampering[]): Observed {
  const ports = new Map(observed.ports);
  const netdevs = new Map(observed.netdevs);
  const names = [...observed.ports.keys()].sort();
  for (const { portIndex, cells, main, what } of edits) {
    const row = ports.get(names[portIndex % Math.max(names.length, 1)] ?? '');
    if (row === undefined) continue;
    const interfaces = row.interfaces.map((entry) => ({ ...entry, ...main }));
    const device = netdevs.get(row.name);
    if (what === 'removed') ports.delete(row.name);
    if (what === 'port') ports.set(row.name, { ...row, ...cells });
    if (what === 'interface') ports.set(row.name, { ...row, interfaces });
    if (what === 'both') ports.set(row.name, { ...row, ...cells, interfaces });
    if (what === 'deviceGone') netdevs.delete(row.name);
    if (what === 'deviceRecreated' && device !== undefined) {
      netdevs.set(row.name, { ...device, ifindex: device.ifindex + 10, isPromiscuous: false });
    }
  }
  return { ...observed, ports, netdevs };
}
