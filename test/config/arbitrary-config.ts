/** Random valid configurations as plain data of the file, for the property tests of this folder. */
import fc from 'fast-check';
import { mayHoldSecret } from '../../src/config/secret.js';
import { certificate } from './certificate.js';

type Plain = Record<string, unknown>;

// A secret is blotted out when shown, so it does not survive the round trip.
const mapKey = fc.stringMatching(/^[a-z][a-z-]{0,8}$/).filter((key) => !mayHoldSecret(key));
const mapValue = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    'true',
    '007',
    '1e3',
    'null',
    '~',
    '',
    'a: b',
    '# x',
    ' - y ',
    'line\nbreak',
    '"',
    "'",
    '\t',
    '*a',
    '&b',
    '!c',
  ),
);
const stringMap = fc.dictionary(mapKey, mapValue, { maxKeys: 3 });

const maps = { otherConfig: stringMap, externalIds: stringMap };

const vlan = fc.oneof(
  fc.record({ tag: fc.nat(4095) }),
  fc.record({ trunks: fc.uniqueArray(fc.nat(4095), { minLength: 1, maxLength: 4 }) }),
  fc.record({
    tag: fc.nat(4095),
    mode: fc.constantFrom('native-tagged', 'native-untagged'),
    trunks: fc.uniqueArray(fc.nat(4095), { minLength: 1, maxLength: 4 }),
  }),
);

const portSettings = fc.record(
  { vlan, options: stringMap, interfaceExternalIds: stringMap, adopt: fc.boolean(), ...maps },
  { requiredKeys: [] },
);

const bridgeSettings = fc.record(
  {
    mode: fc.constantFrom('own', 'share'),
    datapathType: fc.constantFrom('netdev'),
    failMode: fc.constantFrom('secure', 'standalone'),
    protocols: fc.uniqueArray(fc.constantFrom('OpenFlow10', 'OpenFlow13', 'OpenFlow15'), { minLength: 1 }),
    mtu: fc.integer({ min: 68, max: 65_535 }),
    ...maps,
  },
  { requiredKeys: [] },
);

/** What is behind port number `index` of bridge `bridge`; unique by construction. */
function behind(bridge: number, index: number, bridgeCount: number): fc.Arbitrary<Plain> {
  const name = `b${bridge}p${index}`;
  const kinds: fc.Arbitrary<Plain>[] = [
    fc.record({ name: fc.constant(name), kind: fc.constantFrom('system', 'internal', 'dpdk') }),
    fc.constant({ kind: 'representor', representor: { pf: bridge, vf: index } }),
    fc.constant({
      kind: 'representor',
      name,
      representor: { pf: bridge, sf: index, controller: 1 },
      interfaceType: 'dpdk',
    }),
  ];
  if (bridge < 4 && index < 4) kinds.push(fc.constant({ kind: 'uplink', uplink: bridge * 4 + index }));
  if (bridgeCount > 1) {
    const peer = { bridge: `br${(bridge + 1) % bridgeCount}`, port: `peer-of-${name}` };
    kinds.push(
      fc.record({
        name: fc.constant(name),
        kind: fc.constant('patch'),
        peer: fc.constant(peer),
        createPeer: fc.boolean(),
      }),
    );
  }
  return fc.oneof(...kinds);
}

function port(bridge: number, index: number, bridgeCount: number): fc.Arbitrary<Plain> {
  const number = fc.option(fc.constant({ ofport: index + 1 }), { nil: {} });
  return fc
    .tuple(behind(bridge, index, bridgeCount), portSettings, number)
    .map((parts) => Object.assign({}, ...parts) as Plain);
}

function bridge(index: number, bridgeCount: number): fc.Arbitrary<Plain> {
  const ports = fc
    .nat(4)
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => port(index, i, bridgeCount))));
  return fc.tuple(bridgeSettings, ports).map(([settings, list]) => ({ name: `br${index}`, ...settings, ports: list }));
}

const mac = fc
  .tuple(fc.nat(127), fc.nat(0xffff))
  .map(([first, last]) =>
    [first * 2, 0, 0, 1, last >> 8, last & 0xff].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
  );

const tenant = fc.constantFrom('red', 'blue', 'T1.x');

/** What a chain port is found by; unique in its chain by construction. */
function chainSelector(switchIndex: number, index: number): fc.Arbitrary<Plain> {
  const labels = fc.dictionary(mapKey, mapValue, { maxKeys: 2 });
  const kinds: fc.Arbitrary<Plain>[] = [
    fc.constant({ kind: 'representor', representor: { pf: switchIndex, vf: index, controller: 1 } }),
    fc.constant({ kind: 'representor', representor: { pf: switchIndex, sf: index } }),
    fc.constant({ kind: 'service', dpfId: `ns/pod-${switchIndex}/net${index}` }),
    labels.map((more) => ({ kind: 'labels', labels: { ...more, port: `${switchIndex}.${index}` } })),
    fc.constant({ kind: 'patch', bridge: `far${switchIndex}`, name: `patch-port-towards-${switchIndex}-${index}` }),
  ];
  if (index < 4) kinds.push(fc.constant({ kind: 'uplink', uplink: switchIndex * 4 + index }));
  return fc.oneof(...kinds);
}

function chainPort(switchIndex: number, index: number): fc.Arbitrary<Plain> {
  const vlan = fc.oneof(
    fc.constant({ kind: 'access', tag: switchIndex + 1 }),
    fc.record({ kind: fc.constant('tagged'), tag: fc.integer({ min: 1, max: 4094 }) }),
  );
  // The index keeps stations of different ports apart.
  const pinnedMacs = fc
    .uniqueArray(mac, { maxLength: 2 })
    .map((list) => list.map((address) => address.replace(':00:00:', `:00:0${index}:`).toUpperCase()));
  const settings = fc.record({ vlan, tenant, pinnedMacs }, { requiredKeys: [] });
  return fc.tuple(chainSelector(switchIndex, index), settings).map((parts) => Object.assign({}, ...parts) as Plain);
}

function chainSwitch(index: number): fc.Arbitrary<Plain> {
  const ports = fc
    .integer({ min: 2, max: 4 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => chainPort(index, i))));
  return fc.record({ name: fc.constant(`s${index}`), ports }, { requiredKeys: ['ports'] });
}

const chainSettings = fc.record(
  {
    mtu: fc.integer({ min: 68, max: 65_535 }),
    tenant: fc.constant('green'),
    joinsTenants: fc.uniqueArray(tenant),
    onControllerLoss: fc.constantFrom('keep', 'close'),
    macMove: fc.constantFrom('allow', 'refuse'),
    ageingSeconds: fc.integer({ min: 1, max: 65_535 }),
    stationCountMax: fc.integer({ min: 1, max: 65_535 }),
  },
  { requiredKeys: [] },
);

/** A chain on one of the bridges, all of which can have flows. */
function chain(index: number, bridgeCount: number): fc.Arbitrary<Plain> {
  const switches = fc
    .integer({ min: 1, max: 3 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => chainSwitch(i))));
  const place = { name: `chain-${index}`, bridge: `br${index % bridgeCount}` };
  return fc.tuple(chainSettings, switches).map(([settings, list]) => ({ ...place, ...settings, switches: list }));
}

const listOf = (count: number, item: (index: number) => fc.Arbitrary<Plain>): fc.Arbitrary<Plain[]> =>
  fc.tuple(...Array.from({ length: count }, (_, index) => item(index)));

const server = fc.constantFrom('https://10.0.0.1:6443', 'https://[fd00::1]/k8s');
const token = fc.constant({ tokenFile: '/run/token' });
const pair = fc.constant({ certFile: '/a.crt', keyFile: '/a.key' });
const authority = fc.constantFrom({ caFile: '/ca.crt' }, { caData: certificate });

const access = fc.oneof(
  fc.record(
    { kubeconfig: fc.constant('/kubeconfig'), context: fc.constant('a b@c') },
    { requiredKeys: ['kubeconfig'] },
  ),
  fc.constant({ inCluster: true }),
  fc
    .tuple(fc.record({ server }), fc.oneof(token, pair), authority)
    .map((parts) => Object.assign({}, ...parts) as Plain),
  fc.record({ server: fc.constant('http://127.0.0.1:8001') }),
);

const hostCluster = fc
  .tuple(access, fc.record({ nodeName: fc.constantFrom('n', 'worker-3.example.com') }, { requiredKeys: [] }))
  .map((parts) => Object.assign({}, ...parts) as Plain);

/** A pool of each PF; the ranges are apart by construction. */
const pools = fc
  .uniqueArray(fc.nat(3), { minLength: 1 })
  .chain((pfs) =>
    fc.tuple(
      ...pfs.map((pf) =>
        fc
          .uniqueArray(fc.nat(40), { minLength: 1, maxLength: 5 })
          .map((starts) => ({ pf, vfs: starts.map((n) => `${n * 100}-${n * 100 + n}`).join(', ') })),
      ),
    ),
  );

const attach = fc.record(
  {
    bridge: fc.constantFrom('br-int', 'br0'),
    mtu: fc.integer({ min: 68, max: 65_535 }),
    ovnInstalled: fc.constantFrom('require', 'ignore'),
    functionMac: fc.constantFrom('require', 'report', 'ignore'),
    pools,
    reserved: fc.uniqueArray(fc.nat(4095), { maxLength: 3 }).map((vfs) => vfs.map((vf) => ({ pf: vf % 16, vf }))),
    resourceNames: fc.constantFrom([], ['nvidia.com/bf3_p0_vfs', 'dpusim.io/vf']),
    waitMs: fc.integer({ min: 1000, max: 115_000 }),
    lease: fc.record({ renewMs: fc.integer({ min: 0, max: 39_999 }) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

const representors = fc.record(
  { hostController: fc.integer({ min: 1, max: 255 }), legacyNames: fc.boolean() },
  { requiredKeys: [] },
);

const offload = fc.record(
  {
    mode: fc.constantFrom('off', 'observe', 'apply'),
    settings: fc.record(
      {
        'hw-offload': fc.boolean(),
        'max-idle': fc.integer({ min: 500, max: 60_000 }),
        'tc-policy': fc.constantFrom('none', 'skip_sw'),
        'dpdk-extra': fc.constantFrom('-a 0000:03:00.0', 'a: b # c'),
        'flow-limit': fc.constant('007'),
      },
      { requiredKeys: [] },
    ),
    flows: fc.constantFrom('auto', 'asked', 'off'),
    exporterPort: fc.nat(65_535),
    expect: fc.record(
      {
        vfs: fc.uniqueArray(fc.nat(15), { maxLength: 3 }).map((pfs) => pfs.map((pf) => ({ pf, count: pf * 8 }))),
        cards: fc.constantFrom([], ['pci/0000:03:00.0', 'pci/0000:03:00.1']),
      },
      { requiredKeys: [] },
    ),
    thresholds: fc.record(
      { ratioMin: fc.double({ min: 0, max: 1, noNaN: true }), staleMsMin: fc.integer({ min: 1000, max: 10_000 }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const sections = fc.record(
  {
    hostCluster,
    attach,
    offload,
    representors,
    ovsdb: fc.record({ endpoints: fc.constantFrom(['unix:/a'], ['tcp:127.0.0.1:6640', 'unix:/b c']) }),
    agent: fc.record({ coalesceMs: fc.nat(10_000), repair: fc.constantFrom('on', 'observe') }, { requiredKeys: [] }),
    log: fc.record({ level: fc.constantFrom('debug', 'info') }),
  },
  { requiredKeys: [] },
);

/** A valid configuration. */
export const arbitraryConfig: fc.Arbitrary<Plain> = fc
  .tuple(sections, fc.nat(3), fc.nat(2))
  .chain(([settings, bridgeCount, chainCount]) =>
    fc
      .tuple(
        listOf(bridgeCount, (index) => bridge(index, bridgeCount)),
        listOf(bridgeCount === 0 ? 0 : chainCount, (index) => chain(index, bridgeCount)),
      )
      .map(([bridges, chains]) => ({ ...settings, bridges, chains })),
  );
