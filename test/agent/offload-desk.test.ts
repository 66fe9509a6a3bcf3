import { describe, expect, it } from 'vitest';
import type { OffloadRow } from '../../src/agent/api-view.js';
import { OffloadDesk, type OffloadEvidence } from '../../src/agent/offload-desk.js';
import type { ChainView } from '../../src/chain/chain-view.js';
import type { AttributedRow } from '../../src/offload/attribute.js';
import type { OffloadJudgement } from '../../src/offload/offload.js';
import { portView, switchView } from '../chain/chain-shapes.js';
import { bridgeRow, mapOf, observedOf, portRow } from '../fakes/plan-rows.js';
import { shownPod } from '../fakes/shown-pods.js';

const seen = {
  ...observedOf({
    root: { otherConfig: mapOf({ 'hw-offload': 'true' }) },
    bridges: [bridgeRow('br-k', { datapathType: 'system' }), bridgeRow('br-u', { datapathType: 'netdev' })],
    ports: [portRow('k0', 'br-k'), portRow('u0', 'br-u')],
  }),
  qos: new Map(),
};
const chainOf = (name: string, bridge: string, ofport: number | undefined): ChainView => ({
  intent: { name, bridge },
  switches: [switchView(0, portView('a', ofport), portView('b', ofport))],
});

function desk(supervisor?: OffloadEvidence, snapshot: typeof seen | undefined = seen): OffloadDesk {
  const parts = {
    store: { snapshot: () => snapshot },
    pods: () => [
      shownPod('web', [{ nadKey: 'default', device: 'u0', isPlugged: true }]),
      shownPod('late', [{ nadKey: 'default', device: 'k0', isPlugged: false }]),
    ],
    chains: () => [chainOf('kernel', 'br-k', 1), chainOf('user', 'br-u', 1), chainOf('bare', 'br-u', undefined)],
  };
  return new OffloadDesk({ ...parts, supervisor });
}

type Evidence = ReturnType<OffloadEvidence['evidence']>;

function supervisorWith(evidence: Partial<Evidence>, inEffect?: boolean): OffloadEvidence {
  return {
    evidence: () => ({ interface: () => undefined, chain: () => undefined, row: () => undefined, ...evidence }),
    engine: () => undefined,
    isInEffect: () => ({ value: inEffect, basis: 'seen' }),
    waiting: () => undefined,
    supervision: () => undefined,
    softwareFlows: () => Promise.resolve({ wallMs: 7, cost: undefined, flows: [], problems: [] }),
    watch: () => () => undefined,
  };
}

const inShort = (rows: readonly OffloadRow[]): readonly string[] =>
  rows.map(({ key, verdict, reason }) => `${key} ${verdict} ${reason}`);

describe('what is known of ports', () => {
  const patched = observedOf({
    bridges: [bridgeRow('br-k', { datapathType: '' })],
    ports: [portRow('k0', 'br-k'), portRow('patch0', 'br-k', {}, { type: 'patch' })],
  });
  const known = (providers: ReadonlyMap<string, string> | undefined): OffloadEvidence => ({
    ...supervisorWith({}),
    portFacts: (datapathType) => ({
      port: (name) => (datapathType === 'system' ? { kind: 'offloadable', provider: 'tc', eswitch: name } : undefined),
      providers,
    }),
  });
  const portsOf = (supervisor: OffloadEvidence) =>
    desk(supervisor, { ...patched, qos: new Map() })
      .rows()
      .filter(({ kind }) => kind === 'port')
      .map(({ ports }) => ports);

  it('is concluded from type and device where ovs-vswitchd does not say, and nothing of a patch port', () => {
    expect(portsOf(known(undefined))).toEqual([
      [{ name: 'k0', kind: 'offloadable', provider: 'tc', isProviderTold: false, eswitch: 'k0' }],
      [{ name: 'patch0', kind: 'patch', provider: undefined, isProviderTold: false, eswitch: undefined }],
    ]);
  });

  it('is what ovs-vswitchd says, where it does: a port that it does not name has no provider', () => {
    const [told] = portsOf(known(new Map([['k0', 'dpdk']])));
    expect(told).toMatchObject([{ kind: 'offloadable', provider: 'dpdk', isProviderTold: true }]);
    const [left] = portsOf(known(new Map()));
    expect(left).toMatchObject([{ kind: 'other', provider: undefined, isProviderTold: true }]);
  });

  it('is nothing where nobody looks', () => {
    const [[port] = []] = portsOf(supervisorWith({}));
    expect(port).toEqual({
      name: 'k0',
      kind: undefined,
      provider: undefined,
      isProviderTold: false,
      eswitch: undefined,
    });
  });
});

describe('what is said of offload', () => {
  it('is said of each port, network of a pod and chain, by the datapath of its bridge', () => {
    expect(inShort(desk().rows())).toEqual([
      'port/k0 unknown NotMeasured',
      'port/u0 software EngineIsSoftware',
      'attachment/ns/web/default software EngineIsSoftware',
      'attachment/ns/late/default unknown NotOnSwitch',
      'chain/kernel unknown NotMeasured',
      'chain/user software EngineIsSoftware',
      'chain/bare unknown NotOnSwitch',
    ]);
  });

  it('has the engine of all bridges together', () => {
    expect(desk().status()).toMatchObject({ engine: 'none', isConfigured: true });
  });

  it('is nothing until the database has been read, and then what it was while it is not readable', () => {
    let snapshot: typeof seen | undefined = undefined;
    let pods = [shownPod('web', [{ device: 'u0', isPlugged: true }])];
    const blind = new OffloadDesk({ store: { snapshot: () => snapshot }, pods: () => pods, chains: () => [] });
    expect(blind.status().engine).toBe('unknown');
    expect(blind.rows()).toEqual([]);
    expect(blind.problems()).toHaveLength(1);
    snapshot = seen;
    const rows = blind.rows();
    expect(rows).toHaveLength(3);
    expect(blind.problems()).toEqual([]);
    snapshot = undefined;
    pods = [];
    expect(blind.rows()).toEqual(rows);
    expect(blind.problems()).toEqual([expect.stringContaining('not readable')]);
  });

  it('grows old while the database is not readable: the rows stay, and what was measured of them does not', () => {
    let snapshot: typeof seen | undefined = seen;
    const proven: OffloadJudgement = { verdict: 'hardware', reason: 'InHardware', message: 'seen in hardware' };
    const old: OffloadJudgement = { verdict: 'unknown', reason: 'WatchedTooShort', message: 'not of late' };
    const store = { snapshot: () => snapshot };
    let measured = proven;
    const supervisor = supervisorWith({ interface: () => measured, chain: () => measured });
    const blind = new OffloadDesk({ store, pods: () => [], chains: () => [], supervisor });
    const verdicts = (): readonly string[] => blind.rows().map(({ name, verdict }) => `${name} ${verdict}`);
    expect(verdicts()).toContain('k0 hardware');
    [snapshot, measured] = [undefined, old];
    expect(verdicts()).toContain('k0 unknown');
    expect(verdicts().join()).not.toContain('hardware');
  });

  it('is what the flows prove, where somebody looks at them', () => {
    const proven: OffloadJudgement = { verdict: 'hardware', reason: 'NotMeasured', message: 'seen in hardware' };
    const rows = desk(
      supervisorWith({
        interface: (name) => (name === 'k0' ? proven : undefined),
        chain: (name) => (name === 'kernel' ? proven : undefined),
      }),
    ).rows();
    expect(rows.filter(({ verdict }) => verdict === 'hardware').map(({ key }) => key)).toEqual([
      'port/k0',
      'chain/kernel',
    ]);
  });

  it('is software for certain where offload is not in effect, whatever is not known of the flows', () => {
    const idle: OffloadJudgement = { verdict: 'unknown', reason: 'NoTraffic', message: 'nothing passed' };
    const rows = desk(supervisorWith({ interface: () => idle }, false)).rows();
    expect(inShort(rows).slice(0, 2)).toEqual([
      'port/k0 software OffloadNotInEffect',
      'port/u0 software EngineIsSoftware',
    ]);
  });

  it('has what was measured beside the verdict, in its own words', () => {
    const tally = (flows: number) => ({ flows, packets: flows * 10, bytes: flows * 1000 });
    const row: AttributedRow = {
      key: 'port/k0',
      kind: 'port',
      name: 'k0',
      ports: ['k0'],
      judgement: { verdict: 'partial', reason: 'InPart', message: 'in part' },
      source: 'counters',
      hardwareShare: 0.5,
      counters: {
        kind: 'ratio',
        hardwareShare: 0.5,
        evenShare: 0.5,
        hardwarePackets: 50,
        softwarePackets: 50,
        spanMs: 60_000,
      },
      flows: { hardware: tally(1), software: tally(2), control: tally(3), warmUp: tally(4), unknown: tally(5) },
      reasons: [],
      sharedWith: ['chain/kernel'],
    };
    const [shown] = desk(
      supervisorWith({ row: (key) => (key === row.key ? row : undefined), interface: () => row.judgement }, true),
    ).rows();
    expect(shown).toMatchObject({
      verdict: 'partial',
      measured: {
        source: 'counters',
        hardwareShare: 0.5,
        counters: { hardwarePackets: 50, softwarePackets: 50, spanMs: 60_000 },
        flows: { hardware: tally(1), software: tally(2), apart: { flows: 7, packets: 70, bytes: 7_000 } },
        ports: ['k0'],
        sharedWith: ['chain/kernel'],
      },
    });
  });

  it('says that nobody looks where nobody does', async () => {
    const { isInEffect, inEffectBasis, supervision } = desk().status();
    expect({ isInEffect, supervision }).toEqual({ isInEffect: undefined, supervision: undefined });
    expect(inEffectBasis).toContain('offload.mode is off');
    const question = { ports: new Set(''), reasons: new Set(''), countMax: 5, ageMsMax: 0, withRules: false };
    const answer = await desk().softwareFlows(question, new AbortController().signal);
    expect(answer.problems).toEqual([expect.stringContaining('offload.mode is off')]);
  });
});
