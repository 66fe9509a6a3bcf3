import { describe, expect, it } from 'vitest';
import type { FlowApplyResult } from '../../src/agent/chain-ports.js';
import { ChainReconciler, restoreMsMax, type ChainOutcome } from '../../src/agent/chain-reconciler.js';
import type { JournalChange } from '../../src/agent/journal.js';
import type { StoreState } from '../../src/agent/ports.js';
import { TelemetryBook } from '../../src/agent/telemetry-book.js';
import { noChainIds } from '../../src/chain/chain-id.js';
import type { ChainState } from '../../src/chain/chain-state.js';
import type { FlowChange } from '../../src/chain/plan-flows.js';
import { AgentError } from '../../src/lib/errors.js';
import type { ChainIntent } from '../../src/model/chain.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { ManualClock } from '../config/manual-clock.js';
import { settle } from '../fakes/agent-world.js';
import { chainIntent, chainSwitch, patchPair, sfcPort } from '../fakes/chain-world.js';
import { FlowSwitch } from '../fakes/flow-switch.js';
import { bridgeRow, findByVf, observedOf, owner, rootRow } from '../fakes/plan-rows.js';

const wire = chainIntent('wire', [chainSwitch('a', 'b')]);
const lan = chainIntent('lan', [chainSwitch('c', 'd', 'e')]);
const somePorts = (): readonly ObservedPort[] =>
  ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => sfcPort(name, index + 1));

/** The loop with bridges that a test can take away, a file that can be full, and a clock that stands still. */
class World {
  readonly clock = new ManualClock();
  readonly outcomes: ChainOutcome[] = [];
  readonly journal: JournalChange[] = [];
  readonly bugs: unknown[] = [];
  readonly book = new TelemetryBook();
  readonly applied: (readonly FlowChange[])[] = [];
  /** What the bridges hold; a bridge that is missing has not been read. */
  readonly bridges = new Map([['br-sfc', new FlowSwitch()]]);
  readonly saved: ChainState[] = [];
  watched: readonly string[] = [];
  chains: readonly ChainIntent[] = [wire];
  ports = somePorts();
  state: StoreState = { kind: 'synced', endpoint: 'unix:/db.sock' };
  isWriter = true;
  isRestoreAwaited = false;
  isDiskFull = false;
  answer: (bridge: string) => FlowApplyResult | undefined = () => undefined;
  readonly loop: ChainReconciler;
  readonly #listeners = new Set<() => void>();

  constructor(stored: ChainState = { ids: noChainIds, accepted: new Map() }, repair: 'on' | 'observe' = 'on') {
    const onChange = (listener: () => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    this.loop = new ChainReconciler(
      {
        store: {
          state: () => this.state,
          snapshot: () => (this.state.kind === 'synced' ? this.#snapshot() : undefined),
          isWriter: () => this.isWriter,
          apply: () => Promise.reject(new Error('this loop writes no rows')),
          onChange,
        },
        devices: { snapshot: () => new Map(), problem: () => undefined, find: findByVf, onChange },
        switches: {
          watch: (bridges) => (this.watched = bridges),
          snapshot: () => new Map([...this.bridges].map(([name, flows]) => [name, flows.dump()])),
          apply: (bridge, changes) => Promise.resolve(this.#apply(bridge, changes)),
          onChange,
        },
        chains: { chains: () => this.chains, onChange },
        ports: { intents: () => ({ bridges: [], ports: [] }), onChange },
        state: { load: () => stored, save: (state) => this.#save(state) },
        clock: this.clock,
        random: () => 0.5,
        onOutcome: (outcome) => this.outcomes.push(outcome),
        onJournal: (entry) => this.journal.push(entry),
        telemetry: this.book.recorder('chains'),
        onBug: (error) => this.bugs.push(error),
      },
      { owner, coalesceMs: 5, fullResyncMs: 60_000, repair, bridges: () => new Set(['br-sfc', 'br-hbn']) },
    );
    this.loop.start();
  }

  #snapshot() {
    const bridges = new Map(['br-sfc', 'br-hbn'].map((name) => [name, bridgeRow(name)]));
    const ports = new Map(this.ports.map((port) => [port.name, port]));
    return {
      ...observedOf(),
      root: rootRow({ isRestoreAwaited: this.isRestoreAwaited }),
      bridges,
      ports,
      qos: new Map(),
    };
  }

  #apply(bridge: string, changes: readonly FlowChange[]): FlowApplyResult {
    this.applied.push(changes);
    const answered = this.answer(bridge);
    if (answered !== undefined) return answered;
    for (const change of changes) this.bridges.get(bridge)?.apply(change);
    return { kind: 'applied' };
  }

  #save(state: ChainState): Promise<void> {
    if (this.isDiskFull) return Promise.reject(new AgentError('STATE_UNWRITABLE', 'the disk is full'));
    this.saved.push(state);
    return Promise.resolve();
  }

  /** Something may have changed; time passes, and what falls due runs to its end. */
  async pass(ms = 20): Promise<void> {
    for (const listener of this.#listeners) listener();
    for (let left = ms; left > 0; left -= 5) {
      this.clock.advance(Math.min(5, left));
      await settle();
    }
    expect(this.bugs).toEqual([]);
  }

  reason(name = 'wire'): string | undefined {
    const conditions = this.outcomes.at(-1)?.conditions ?? [];
    return conditions.find(({ object }) => object.kind === 'chain' && object.name === name)?.reason;
  }

  flowCount(bridge = 'br-sfc'): number {
    return this.bridges.get(bridge)?.dump().length ?? 0;
  }
}

describe('the loop of the chains', () => {
  it('programs a chain in one bundle, stores it before, and then has nothing to do', async () => {
    const world = new World();
    world.chains = [wire, lan];
    await world.pass(100);
    expect(world.applied).toHaveLength(1);
    expect([...(world.saved[0]?.accepted.keys() ?? [])].sort()).toEqual(['lan', 'wire']);
    expect([world.reason('wire'), world.reason('lan')]).toEqual(['Ready', 'Ready']);
    expect(world.journal.map(({ outcome }) => outcome)).toEqual(['applied']);
    expect(world.journal[0]?.summary).toMatch(/^program chain lan, wire on br-sfc: \d+ set, 0 removed$/);
    await world.pass(70_000);
    expect(world.applied).toHaveLength(1);
    expect(world.saved).toHaveLength(1);
  });

  it('counts its looks and the flows that it set', async () => {
    const world = new World();
    await world.pass(100);
    const [chains] = world.book.loops();
    expect(chains).toMatchObject({ loop: 'chains', writes: 1 });
    expect(chains?.rounds).toBeGreaterThan(0);
    expect([...(chains?.latency.keys() ?? [])].sort()).toEqual(['apply', 'gather', 'plan', 'total']);
    expect(world.book.repairs().get('addFlow')).toBe(world.applied[0]?.length);
  });

  it('writes nothing for a chain that it cannot store, and tries again', async () => {
    const world = new World();
    world.isDiskFull = true;
    await world.pass();
    expect(world.applied).toEqual([]);
    expect(world.journal.at(-1)).toMatchObject({ outcome: 'refused', message: 'the disk is full' });
    world.isDiskFull = false;
    await world.pass(500);
    expect(world.reason()).toBe('Ready');
  });

  it('plans nothing for a bridge that has not been read, and does not call its chain ready', async () => {
    const world = new World();
    const flows = new FlowSwitch();
    world.bridges.delete('br-sfc');
    await world.pass();
    expect(world.applied).toEqual([]);
    expect(world.watched).toContain('br-sfc');
    expect(world.reason()).toBe('ChainFlowsUnread');
    world.bridges.set('br-sfc', flows);
    await world.pass();
    expect(world.reason()).toBe('Ready');
  });

  it.each([['observe'], ['standby']])('shows the difference and writes nothing in mode %s', async (mode) => {
    const world = new World(undefined, mode === 'observe' ? 'observe' : 'on');
    world.isWriter = mode === 'observe';
    await world.pass(1_000);
    expect(world.applied).toEqual([]);
    expect(world.reason()).toBe('ChainFlowsPending');
    expect(world.loop.look()?.plan.changes.length).toBeGreaterThan(0);
  });

  it('tries again with growing waits what the switch refuses, and says why', async () => {
    const world = new World();
    world.answer = () => ({ kind: 'refused', message: 'no such port' });
    await world.pass(1_000);
    const tries = world.applied.length;
    expect(tries).toBeGreaterThan(2);
    await world.pass(1_000);
    expect(world.applied.length - tries).toBeLessThan(tries);
    expect(world.journal.at(-1)).toMatchObject({ outcome: 'refused', message: 'no such port' });
    world.answer = () => undefined;
    await world.pass(11_000);
    expect(world.reason()).toBe('Ready');
  });

  it('does not spin on a switch that takes a change and goes on showing another one', async () => {
    const world = new World();
    world.answer = () => ({ kind: 'applied' });
    await world.pass(2_000);
    expect(world.applied.length).toBeGreaterThan(1);
    expect(world.applied.length).toBeLessThan(12);
    expect(world.reason()).toBe('ChainFlowsPending');
  });

  it('lets one bridge fail without keeping the other from its flows', async () => {
    const world = new World();
    world.bridges.set('br-hbn', new FlowSwitch());
    const names = ['x', 'y'];
    world.ports = [...somePorts(), ...names.map((name, index) => sfcPort(name, index + 1, {}, 'br-hbn'))];
    world.chains = [wire, chainIntent('far', [chainSwitch('x', 'y')], { bridge: 'br-hbn' })];
    world.answer = (bridge) => (bridge === 'br-hbn' ? { kind: 'unknown', message: 'lost' } : undefined);
    await world.pass(100);
    expect(world.reason('wire')).toBe('Ready');
    expect(world.reason('far')).toBe('ChainFlowsPending');
    world.answer = () => undefined;
    await world.pass(1_000);
    expect(world.reason('far')).toBe('Ready');
  });

  it('moves flows with the number of a port, and drops what comes for a port that is gone', async () => {
    const world = new World();
    await world.pass();
    world.ports = somePorts().map((port) => (port.name === 'b' ? sfcPort('b', 40) : port));
    await world.pass();
    const sent = (inPort: number) =>
      world.bridges.get('br-sfc')?.receive({ inPort, src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', vlans: [] });
    expect([sent(1), sent(40), sent(2)].map((frames) => frames?.map(({ port }) => port))).toEqual([[40], [1], []]);
    world.ports = somePorts().filter(({ name }) => name !== 'b');
    await world.pass();
    expect(sent(1)).toEqual([]);
    expect(world.reason()).toBe('ChainPortsNotReady');
  });

  it('keeps the earlier version of a chain whose newest is bad, also after a restart', async () => {
    const world = new World();
    world.chains = [wire, lan];
    await world.pass();
    const before = world.bridges.get('br-sfc')?.dump();
    world.chains = [chainIntent('wire', [chainSwitch('f', 'c')]), lan];
    await world.pass();
    expect([world.reason('wire'), world.reason('lan')]).toEqual(['ChainRefused', 'Ready']);
    const stored = world.saved.at(-1);
    const next = new World(stored);
    next.chains = world.chains;
    next.bridges.set('br-sfc', new FlowSwitch(before));
    await next.pass(1_000);
    expect(next.applied).toEqual([]);
    expect([next.reason('wire'), next.reason('lan')]).toEqual(['ChainRefused', 'Ready']);
  });

  it('removes the flows of a chain that goes, and follows its bridge until they are gone', async () => {
    const world = new World();
    await world.pass();
    expect(world.flowCount()).toBeGreaterThan(0);
    world.answer = () => ({ kind: 'refused', message: 'not now' });
    world.chains = [];
    await world.pass();
    expect(world.watched).toContain('br-sfc');
    world.answer = () => undefined;
    await world.pass(1_000);
    expect(world.flowCount()).toBe(0);
    expect(world.reason()).toBeUndefined();
  });

  it('follows the bridge beyond a patch pair of its own, and connects the far end there', async () => {
    const world = new World();
    world.bridges.set('br-hbn', new FlowSwitch());
    world.ports = [...somePorts(), sfcPort('x', 9, {}, 'br-hbn')];
    world.chains = [chainIntent('wire', [chainSwitch('a', 'x')])];
    await world.pass();
    expect(world.reason()).toBe('ChainPortsNotReady');
    const patches = world.outcomes.at(-1)?.patches ?? [];
    expect(patches.map(({ bridge }) => bridge).sort()).toEqual(['br-hbn', 'br-sfc']);
    const nameOn = (bridge: string): string => patches.find((patch) => patch.bridge === bridge)?.name ?? '';
    const [near, far] = patchPair({ name: nameOn('br-sfc') }, { name: nameOn('br-hbn'), bridge: 'br-hbn' });
    const marked = [near, far].map((port): ObservedPort => {
      if (port === undefined) throw new Error('a pair has two ends');
      return { ...port, externalIds: new Map([['dpu-agent-owner', owner], ...port.externalIds]) };
    });
    world.ports = [...world.ports, ...marked];
    await world.pass();
    expect(world.watched).toEqual(['br-hbn', 'br-sfc']);
    expect(world.reason()).toBe('Ready');
    expect(world.flowCount('br-hbn')).toBe(2);
  });

  it('lets go of its sessions while the database is away, and knows nothing meanwhile', async () => {
    const world = new World();
    await world.pass();
    expect(world.watched).not.toEqual([]);
    world.state = { kind: 'connecting', message: 'it is away', code: undefined };
    await world.pass();
    expect(world.watched).toEqual([]);
    expect(world.reason()).toBe('OvsdbUnavailable');
    expect(world.applied).toHaveLength(1);
  });

  it('calls no chain ready while flows are restored, and finds fault when that does not end', async () => {
    const world = new World();
    world.isRestoreAwaited = true;
    await world.pass();
    expect(world.reason()).toBe('ChainRestoreWait');
    expect(world.flowCount()).toBeGreaterThan(0);
    expect(world.outcomes.at(-1)?.findings).toEqual([]);
    await world.pass(restoreMsMax);
    expect(world.outcomes.at(-1)?.findings.map(({ reason }) => reason)).toEqual(['RestoreWaitStuck']);
    world.isRestoreAwaited = false;
    await world.pass();
    expect(world.reason()).toBe('Ready');
    expect(world.outcomes.at(-1)?.findings).toEqual([]);
  });

  it('does nothing any more after it was closed', async () => {
    const world = new World();
    await world.pass();
    await world.loop.close();
    world.chains = [];
    await world.pass(70_000);
    expect(world.applied).toHaveLength(1);
  });
});
