import { describe, expect, it } from 'vitest';
import { resolve, type Desired } from '../../src/intent/resolve.js';
import type { Intents, Source } from '../../src/model/intent.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedRoot } from '../../src/model/observed.js';
import { bridgeIntent, findByVf, mapOf, netdev, patchIntent, portIntent, rootRow } from '../fakes/plan-rows.js';

function desire(intents: Partial<Intents>, netdevs: readonly Netdev[] = [], root: Partial<ObservedRoot> = {}): Desired {
  return resolve(
    { bridges: intents.bridges ?? [], ports: intents.ports ?? [] },
    { root: rootRow(root), netdevs: new Map(netdevs.map((entry) => [entry.name, entry])), find: findByVf },
  );
}

const config: Source = { rank: 0, name: 'config.yaml:3' };
const controller: Source = { rank: 1, name: 'controller fleet-1' };
const hostVf = (vf: number, type?: string) =>
  ({ kind: 'representor', selector: { kind: 'hostVf', pf: 0, vf }, type }) as const;

describe('bridges wanted by more than one source', () => {
  it('are described by the source of the lowest rank', () => {
    const desired = desire({
      bridges: [
        bridgeIntent('br-int', { source: controller, mode: 'own' }),
        bridgeIntent('br-int', { source: config, mode: 'share' }),
      ],
    });
    expect(desired.bridges.get('br-int')?.mode).toBe('share');
  });

  it('are reported with both claimants when the two differ', () => {
    const { findings } = desire({
      bridges: [bridgeIntent('br-int', { source: controller, mtu: 9000 }), bridgeIntent('br-int', { source: config })],
    });
    expect(findings).toMatchObject([
      {
        reason: 'BridgeClaimedTwice',
        object: { kind: 'bridge', name: 'br-int' },
        claimants: [config.name, controller.name],
      },
    ]);
  });

  it('are not reported when the two say the same, whatever the order of their keys', () => {
    const { findings } = desire({
      bridges: [
        bridgeIntent('br-int', { source: config, externalIds: mapOf({ a: '1', b: '2' }) }),
        bridgeIntent('br-int', { source: controller, externalIds: mapOf({ b: '2', a: '1' }) }),
      ],
    });
    expect(findings).toEqual([]);
  });
});

describe('the local port', () => {
  it('is wanted with every own bridge, and carries its MTU', () => {
    const { ports } = desire({ bridges: [bridgeIntent('br-int', { mtu: 9000, adopt: true })] });
    expect(ports.get('br-int')).toMatchObject({
      bridge: 'br-int',
      type: 'internal',
      isLocal: true,
      intent: { mtu: 9000, adopt: true },
    });
  });

  it.each(['share', 'observe'] as const)('is not wanted with a bridge in mode %s', (mode) => {
    expect(desire({ bridges: [bridgeIntent('br-int', { mode })] }).ports.size).toBe(0);
  });

  it('wins against a port of the same name on another bridge, even of a stronger source', () => {
    const { ports, findings } = desire({
      bridges: [bridgeIntent('br-a', { source: controller }), bridgeIntent('br-b', { source: controller })],
      ports: [portIntent('br-a', 'br-b', { source: config })],
    });
    expect(ports.get('br-a')?.bridge).toBe('br-a');
    expect(findings).toMatchObject([{ reason: 'PortClaimedTwice', claimants: [controller.name, config.name] }]);
  });

  it.each(['own', 'share', 'observe'] as const)('cannot be declared as a port of a bridge in mode %s', (mode) => {
    const { ports, findings } = desire({
      bridges: [bridgeIntent('br-int', { mode })],
      ports: [portIntent('br-int', 'br-int', { adopt: true })],
    });
    expect(ports.get('br-int')?.intent.adopt ?? false).toBe(false);
    expect(findings).toMatchObject([{ reason: 'PortClaimedTwice', object: { name: 'br-int' } }]);
  });
});

describe('a port that two intents want', () => {
  const ports = [
    portIntent('x0', 'br-a', { source: controller }),
    portIntent('x0', 'br-b', { source: config }),
  ] as const;

  it.each([
    ['in one order', [...ports]],
    ['in the other order', [...ports].reverse()],
  ])('goes to the stronger source, and both claimants are named, %s', (_order, wanted) => {
    const desired = desire({ ports: wanted });
    expect(desired.ports.get('x0')?.bridge).toBe('br-b');
    expect(desired.findings).toMatchObject([
      {
        reason: 'PortClaimedTwice',
        object: { kind: 'port', name: 'x0', bridge: 'br-a' },
        claimants: [config.name, controller.name],
      },
    ]);
  });

  it('is settled by its content when the sources are the same', () => {
    const one = portIntent('x0', 'br-a', { mtu: 1500 });
    const other = portIntent('x0', 'br-a', { mtu: 9000 });
    expect(desire({ ports: [one, other] }).ports).toEqual(desire({ ports: [other, one] }).ports);
  });

  it('is one even when only the finder tells that two selectors mean the same device', () => {
    const desired = desire(
      {
        ports: [
          portIntent(undefined, 'br-a', { attachment: hostVf(3), source: config }),
          portIntent('pf0vf3', 'br-b', { attachment: { kind: 'system' }, source: controller }),
        ],
      },
      [netdev('pf0vf3', { vf: 3 })],
    );
    expect(desired.ports.get('pf0vf3')?.bridge).toBe('br-a');
    expect(desired.findings).toMatchObject([{ reason: 'PortClaimedTwice' }]);
  });

  it('is given to the one whose device is there', () => {
    const desired = desire({
      ports: [
        portIntent('pf0vf3', 'br-a', { attachment: hostVf(3), source: config }),
        portIntent('pf0vf3', 'br-b', { source: controller }),
      ],
    });
    expect(desired.ports.get('pf0vf3')?.bridge).toBe('br-b');
    expect(desired.waiting).toEqual([]);
    expect(desired.findings).toMatchObject([{ reason: 'PortClaimedTwice', claimants: [controller.name, config.name] }]);
  });

  it('waits once when neither device is there', () => {
    const attachment = { kind: 'system' } as const;
    const desired = desire({
      ports: [
        portIntent('p0', 'br-a', { attachment, source: config }),
        portIntent('p0', 'br-b', { attachment, source: controller }),
      ],
    });
    expect(desired.waiting).toMatchObject([{ object: { name: 'p0', bridge: 'br-a' }, reason: 'NetdevMissing' }]);
    expect(desired.findings).toMatchObject([{ reason: 'PortClaimedTwice', object: { bridge: 'br-b' } }]);
  });
});

describe('the device behind a port', () => {
  it('gives a representor its name, whatever name was expected', () => {
    const { ports } = desire({ ports: [portIntent('expected', 'br-a', { attachment: hostVf(3) })] }, [
      netdev('pf0vf3', { vf: 3 }),
    ]);
    expect([...ports.keys()]).toEqual(['pf0vf3']);
  });

  it('is waited for by name where it is a system device', () => {
    const { ports, waiting } = desire({ ports: [portIntent('p0', 'br-a', { attachment: { kind: 'system' } })] });
    expect(ports.size).toBe(0);
    expect(waiting).toMatchObject([
      { state: 'waiting', reason: 'NetdevMissing', message: 'There is no network device p0.' },
    ]);
  });

  it('is described by its selector while it has no name', () => {
    const { waiting } = desire({ ports: [portIntent(undefined, 'br-a', { attachment: hostVf(3) })] });
    expect(waiting).toMatchObject([
      { object: { name: 'hostVf(pf=0,vf=3)' }, reason: 'NetdevMissing', evidence: { code: 'HOST_VF_ABSENT' } },
    ]);
  });

  it('is described alike however the selector was written down', () => {
    const selector = { vf: 3, controller: undefined, pf: 0, kind: 'hostVf' } as const;
    const { waiting } = desire({
      ports: [portIntent(undefined, 'br-a', { attachment: { kind: 'representor', selector, type: undefined } })],
    });
    expect(waiting).toMatchObject([{ object: { name: 'hostVf(pf=0,vf=3)' } }]);
  });

  it('fails a port when more than one answers, and names them', () => {
    const { waiting } = desire({ ports: [portIntent('r', 'br-a', { attachment: hostVf(3) })] }, [
      netdev('a3', { vf: 3 }),
      netdev('b3', { vf: 3 }),
    ]);
    expect(waiting).toMatchObject([{ state: 'failed', reason: 'NetdevAmbiguous', evidence: { devices: 'a3, b3' } }]);
  });

  it('cannot be found for a port without a name', () => {
    expect(desire({ ports: [portIntent(undefined, 'br-a')] }).waiting).toMatchObject([{ reason: 'NetdevMissing' }]);
  });
});

describe('the interface type', () => {
  const representor = (type?: string) => [portIntent(undefined, 'br-a', { attachment: hostVf(0, type) })];
  const devices = [netdev('rep0', { vf: 0 })];
  const dpdk = { ifaceTypes: ['dpdk', 'internal'], isDpdkInitialized: true };

  it.each([
    ['system', 'system', dpdk, ''],
    ['dpdk', 'netdev', dpdk, 'dpdk'],
    ['system while DPDK is not initialised', 'netdev', { ...dpdk, isDpdkInitialized: false }, ''],
    ['system where the switch has no DPDK', 'netdev', { ...dpdk, ifaceTypes: ['internal'] }, ''],
    ['doca', 'doca', { ifaceTypes: ['doca', 'dpdk'] }, 'doca'],
    ['dpdk where the switch has no doca interfaces', 'doca', { ifaceTypes: ['dpdk'], isDocaInitialized: true }, 'dpdk'],
  ])('of a representor is %s on datapath %s', (_name, datapathType, root, type) => {
    const bridges = [bridgeIntent('br-a', { datapathType })];
    expect(desire({ bridges, ports: representor() }, devices, root).ports.get('rep0')?.type).toBe(type);
  });

  it('of a representor is the declared one, where one is declared', () => {
    const bridges = [bridgeIntent('br-a', { datapathType: 'netdev' })];
    expect(desire({ bridges, ports: representor('') }, devices, dpdk).ports.get('rep0')?.type).toBe('');
  });

  it('of a representor on an unknown bridge is system', () => {
    expect(desire({ ports: representor() }, devices, dpdk).ports.get('rep0')?.type).toBe('');
  });

  it.each([
    ['internal', { kind: 'internal' } as const, 'internal'],
    ['dpdk', { kind: 'dpdk', type: 'dpdkvhostuserclient' } as const, 'dpdkvhostuserclient'],
    ['system', { kind: 'system' } as const, ''],
  ])('follows from what is behind a port of kind %s', (_kind, attachment, type) => {
    expect(desire({ ports: [portIntent('p0', 'br-a', { attachment })] }, [netdev('p0')]).ports.get('p0')?.type).toBe(
      type,
    );
  });

  it('of a patch port is patch, and its peer is the one of the attachment, not of the options', () => {
    const options = mapOf({ peer: 'elsewhere', other: '1' });
    const port = desire({ ports: [patchIntent('a', 'br-a', 'b', 'br-b', { options })] }).ports.get('a');
    expect(port).toMatchObject({ type: 'patch', peer: { port: 'b', bridge: 'br-b' } });
    expect(port?.options).toEqual(mapOf({ peer: 'b', other: '1' }));
  });
});
