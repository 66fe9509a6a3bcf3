import { describe, expect, it } from 'vitest';
import type { Intents } from '../../src/model/intent.js';
import type { Condition } from '../../src/model/condition.js';
import type { Observed, ObservedInterface } from '../../src/model/observed.js';
import { judge } from '../../src/plan/judge.js';
import { plan } from '../../src/plan/plan.js';
import {
  bridgeIntent,
  bridgeRow,
  netdev,
  observedOf,
  patchIntent,
  planInput,
  portIntent,
  portRow,
  type WorldFields,
} from '../fakes/plan-rows.js';
import { apply } from '../fakes/plan-world.js';

const share = [bridgeIntent('br-s', { mode: 'share' })];
const device = { attachment: { kind: 'system' }, mtu: 9000 } as const;
const intents: Intents = { bridges: share, ports: [portIntent('p0', 'br-s', device)] };
const start = { bridges: [bridgeRow('br-s')], netdevs: [netdev('p0')] };

/** The world after the agent did its work. */
function madeOf(wanted: Intents, fields: WorldFields = start): Observed {
  const world = observedOf(fields);
  return apply(world, plan(planInput(wanted, world)).actions);
}

function judgeAll(
  wanted: Intents,
  observed: Observed,
  fields: Parameters<typeof planInput>[2] = {},
): readonly Condition[] {
  const input = planInput(wanted, observed, fields);
  return judge(input, plan(input));
}

function conditionOf(name: string, conditions: readonly Condition[], kind = 'port'): Condition | undefined {
  return conditions.find(({ object }) => object.kind === kind && object.name === name);
}

const made = madeOf(intents);

/** The port p0 with other columns in its interface row. */
function withInterface(fields: Partial<ObservedInterface>): Observed {
  const port = made.ports.get('p0')!;
  return { ...made, ports: new Map([['p0', { ...port, interfaces: [{ ...port.interfaces[0]!, ...fields }] }]]) };
}

describe('a port is', () => {
  const judgePort = (observed: Observed) => conditionOf('p0', judgeAll(intents, observed));

  it('ready when it has its number, a link and its MTU, with the evidence', () => {
    const { ofport } = made.ports.get('p0')!.interfaces[0]!;
    expect(judgePort(made)).toEqual({
      object: { kind: 'port', name: 'p0', bridge: 'br-s' },
      state: 'ready',
      reason: 'Ready',
      message: 'As intended.',
      evidence: { ofport: String(ofport), link_state: 'up', ifindex: '10', mtu: '9000' },
    });
  });

  it('NotApplied while it is not in the database', () => {
    expect(judgePort(observedOf(start))).toMatchObject({ state: 'waiting', reason: 'NotApplied', evidence: {} });
  });

  it('NotApplied while a difference is being repaired, although everything works', () => {
    expect(
      conditionOf(
        'p0',
        judgeAll(
          { ...intents, ports: [portIntent('p0', 'br-s', { ...device, otherConfig: new Map([['a', '1']]) })] },
          made,
        ),
      ),
    ).toMatchObject({
      state: 'waiting',
      reason: 'NotApplied',
    });
  });

  it('VswitchdSilent while vswitchd gives no answer, whatever the database says', () => {
    const silent = {
      ...made,
      liveness: { answering: new Set<string>(), silent: new Set(['br-s']), denied: new Set<string>() },
    };
    expect(judgePort(silent)).toMatchObject({ state: 'failed', reason: 'VswitchdSilent' });
  });

  it('VswitchdDenied while the agent may not ask, whoever else answers', () => {
    const names = new Set(['br-s']);
    const other = { ...made, liveness: { answering: new Set(['br-x']), silent: names, denied: names } };
    expect(judgePort(other)).toMatchObject({ state: 'failed', reason: 'VswitchdDenied' });
  });

  it('BridgeNotMade when vswitchd answers for other bridges only', () => {
    const other = {
      ...made,
      liveness: { answering: new Set(['br-x']), silent: new Set(['br-s']), denied: new Set<string>() },
    };
    expect(judgePort(other)).toMatchObject({ state: 'failed', reason: 'BridgeNotMade' });
  });

  it('OfportPending while it has no number', () => {
    expect(judgePort(withInterface({ ofport: undefined }))).toMatchObject({
      state: 'waiting',
      reason: 'OfportPending',
    });
  });

  it('InterfaceError when it could not be opened, in the words of Open vSwitch made safe', () => {
    expect(judgePort(withInterface({ ofport: -1, error: 'no\u001b[2J device' }))).toMatchObject({
      state: 'failed',
      reason: 'InterfaceError',
      message: 'Open vSwitch says: no\\u001b[2J device',
    });
    expect(judgePort(withInterface({ ofport: -1, error: undefined }))?.message).toContain('could not be opened');
  });

  it('InterfaceError when it has a number and an error all the same', () => {
    expect(judgePort(withInterface({ error: 'flawed' }))).toMatchObject({ state: 'failed', reason: 'InterfaceError' });
  });

  it('OfportDiffers when it has another number than the one requested', () => {
    expect(judgePort(withInterface({ ofport: 3 }))).toMatchObject({ state: 'failed', reason: 'OfportDiffers' });
  });

  it.each(['down', undefined] as const)('LinkDown when its link is %s', (linkState) => {
    expect(judgePort(withInterface({ linkState }))).toMatchObject({ state: 'failed', reason: 'LinkDown' });
  });

  it('MtuRefused when it has another MTU than the one requested', () => {
    expect(judgePort(withInterface({ mtu: 1500 }))).toMatchObject({ state: 'failed', reason: 'MtuRefused' });
  });

  it('DeviceRecreated when its device is another one', () => {
    const anew = { ...made, netdevs: new Map([['p0', netdev('p0', { isPromiscuous: false })]]) };
    expect(judgePort(anew)).toMatchObject({ state: 'waiting', reason: 'DeviceRecreated' });
  });

  it('NetdevMissing while its device is not there', () => {
    expect(judgePort({ ...made, netdevs: new Map() })).toMatchObject({ state: 'waiting', reason: 'NetdevMissing' });
  });

  it('NetdevAmbiguous when more than one device answers', () => {
    const attachment = { kind: 'representor', selector: { kind: 'hostVf', pf: 0, vf: 1 }, type: undefined } as const;
    const twins = observedOf({ ...start, netdevs: [netdev('a', { vf: 1 }), netdev('b', { vf: 1 })] });
    const conditions = judgeAll({ bridges: share, ports: [portIntent('r', 'br-s', { attachment })] }, twins);
    expect(conditionOf('r', conditions)).toMatchObject({ state: 'failed', reason: 'NetdevAmbiguous' });
  });

  it.each([
    ['BridgeAbsent', { bridges: [], ports: [] }, 'waiting'],
    ['ForeignPort', { bridges: [bridgeRow('br-s')], ports: [portRow('p0', 'br-s')] }, 'failed'],
    [
      'PortOnForeignBridge',
      { bridges: [bridgeRow('br-s'), bridgeRow('br-f')], ports: [portRow('p0', 'br-f')] },
      'failed',
    ],
  ] as const)('%s when the planner says so', (reason, fields, state) => {
    expect(judgePort(observedOf({ ...fields, netdevs: [netdev('p0')] }))).toMatchObject({ state, reason });
  });

  it('TransactionRefused when the database refused it', () => {
    const conditions = judgeAll(intents, observedOf(start), { quarantined: new Map([['port:p0', 'no']]) });
    expect(conditionOf('p0', conditions)).toMatchObject({ state: 'failed', reason: 'TransactionRefused' });
  });
});

describe('a patch port is', () => {
  const one = { bridges: share, ports: [patchIntent('a', 'br-s', 'b', 'br-s')] };

  it('PatchPeerMissing while its peer is not there, although it has a number', () => {
    const conditions = judgeAll(one, madeOf(one));
    expect(conditionOf('a', conditions)).toMatchObject({
      state: 'waiting',
      reason: 'PatchPeerMissing',
      evidence: { type: 'patch', peer: 'b', error: "No usable peer 'b' exists" },
    });
  });

  it('ready with its peer', () => {
    const pair = { bridges: share, ports: [...one.ports, patchIntent('b', 'br-s', 'a', 'br-s')] };
    const first = judgeAll(pair, apply(madeOf(pair), []));
    expect(first.map(({ reason }) => reason)).toEqual(['Ready', 'Ready', 'Ready']);
  });
});

describe('a bridge is', () => {
  const own = { bridges: [bridgeIntent('br-a', { mtu: 9000 })], ports: [] };
  const judgeBridge = (wanted: Intents, observed: Observed) =>
    conditionOf(wanted.bridges[0]!.name, judgeAll(wanted, observed), 'bridge');

  it('ready when vswitchd answers for it and has nothing left to do', () => {
    const world = madeOf(own, {});
    expect(judgeBridge(own, world)).toMatchObject({
      state: 'ready',
      evidence: { datapath_id: world.bridges.get('br-a')!.datapathId },
    });
  });

  it('ready with a local port whose link is down: its number alone proves the switch', () => {
    const world = madeOf(own, {});
    const local = world.ports.get('br-a')!;
    const down = { ...local, interfaces: [{ ...local.interfaces[0]!, linkState: 'down' as const, mtu: 1500 }] };
    expect(judgeBridge(own, { ...world, ports: new Map([['br-a', down]]) })).toMatchObject({ state: 'ready' });
  });

  it('NotApplied while it is not in the database', () => {
    expect(judgeBridge(own, observedOf())).toMatchObject({ state: 'waiting', reason: 'NotApplied' });
  });

  it('BridgeAbsent when it is not there and not the agent’s to create', () => {
    expect(judgeBridge(intents, observedOf())).toMatchObject({ state: 'waiting', reason: 'BridgeAbsent' });
  });

  it('VswitchdLagging while vswitchd has yet to apply the newest configuration', () => {
    const world = madeOf(own, {});
    const lagging = { ...world, root: { ...world.root, nextCfg: world.root.curCfg + 1 } };
    expect(judgeBridge(own, lagging)).toMatchObject({ state: 'waiting', reason: 'VswitchdLagging' });
  });

  it('BridgeNotMade when vswitchd answers for other bridges only', () => {
    const world = {
      ...made,
      liveness: { answering: new Set(['br-x']), silent: new Set(['br-s']), denied: new Set<string>() },
    };
    expect(judgeBridge(intents, world)).toMatchObject({ state: 'failed', reason: 'BridgeNotMade' });
  });

  it.each([
    ['ForeignBridge', [bridgeIntent('br-f')]],
    ['DatapathTypeUnsupported', [bridgeIntent('br-f', { datapathType: 'doca' })]],
  ])('%s when the planner says so', (reason, bridges) => {
    const world = observedOf({ bridges: [bridgeRow('br-f')] });
    expect(judgeBridge({ bridges, ports: [] }, world)).toMatchObject({ state: 'failed', reason });
  });

  it('PortsNotReady when one of its ports has failed, and names it', () => {
    const conditions = judgeAll(intents, withInterface({ linkState: 'down' }));
    expect(conditionOf('br-s', conditions, 'bridge')).toMatchObject({
      state: 'failed',
      reason: 'PortsNotReady',
      message: 'Not ready: p0.',
    });
  });

  it('PortsNotReady, and waiting, when its ports only wait; some are named', () => {
    const ports = Array.from({ length: 7 }, (_, index) => portIntent(`x${index}`, 'br-s'));
    const conditions = judgeAll({ bridges: share, ports }, observedOf(start));
    expect(conditionOf('br-s', conditions, 'bridge')).toMatchObject({
      state: 'waiting',
      reason: 'PortsNotReady',
      message: 'Not ready: x0, x1, x2, x3, x4 ….',
    });
  });
});

describe('the conditions', () => {
  it('come bridge by bridge, each followed by its ports', () => {
    const wanted = {
      bridges: [bridgeIntent('br-b', { mode: 'share' }), bridgeIntent('br-a', { mode: 'share' })],
      ports: [portIntent('x1', 'br-a'), portIntent('x0', 'br-b'), portIntent('x2', 'br-a')],
    } as const;
    expect(judgeAll(wanted, observedOf()).map(({ object }) => object.name)).toEqual(['br-a', 'x1', 'x2', 'br-b', 'x0']);
  });
});
