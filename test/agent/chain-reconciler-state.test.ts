import { describe, expect, it } from 'vitest';
import type { FlowSwitches } from '../../src/agent/chain-ports.js';
import { ChainReconciler, type ChainOutcome } from '../../src/agent/chain-reconciler.js';
import { noChainIds } from '../../src/chain/chain-id.js';
import type { ChainState } from '../../src/chain/chain-state.js';
import type { ChainIntent } from '../../src/model/chain.js';
import type { BridgeIntent } from '../../src/model/intent.js';
import type { ObservedPort } from '../../src/model/observed.js';
import { ManualClock } from '../config/manual-clock.js';
import { settle } from '../fakes/agent-world.js';
import { chainIntent, chainSwitch, sfcPort } from '../fakes/chain-world.js';
import { FlowSwitch } from '../fakes/flow-switch.js';
import { bridgeIntent, bridgeRow, findByVf, observedOf, owner } from '../fakes/plan-rows.js';

const wire = chainIntent('wire', [chainSwitch('a', 'b')]);
const turned = chainIntent('wire', [chainSwitch('a', 'c')]);

/** The loop, a switch with ports a, b and c, and a file that fails on order. */
class World {
  readonly clock = new ManualClock();
  flows = new FlowSwitch();
  readonly bugs: unknown[] = [];
  readonly outcomes: ChainOutcome[] = [];
  stored: ChainState = { ids: noChainIds, accepted: new Map() };
  saves = 0;
  changes = 0;
  canSave = true;
  isWriter = true;
  chains: readonly ChainIntent[] = [wire];
  bridges: readonly BridgeIntent[] = [];
  ports: readonly ObservedPort[] = ['a', 'b', 'c'].map((name, index) => sfcPort(name, index + 1));
  readonly loop: ChainReconciler;
  readonly #listeners = new Set<() => void>();

  constructor(repair: 'on' | 'observe' = 'on') {
    const onChange = (listener: () => void): (() => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    this.loop = new ChainReconciler(
      {
        store: {
          state: () => ({ kind: 'synced', endpoint: 'unix:/db.sock' }),
          snapshot: () => ({ ...observedOf({ bridges: [bridgeRow('br-sfc')], ports: this.ports }), qos: new Map() }),
          isWriter: () => this.isWriter,
          apply: () => Promise.reject(new Error('the loop of the chains writes no rows')),
          onChange,
        },
        devices: { snapshot: () => new Map(), problem: () => undefined, find: findByVf, onChange },
        switches: this.#switches(onChange),
        chains: { chains: () => this.chains, onChange },
        ports: { intents: () => ({ bridges: this.bridges, ports: [] }), onChange },
        state: { load: () => this.stored, save: (state) => this.#save(state) },
        clock: this.clock,
        random: () => 0.5,
        onOutcome: (outcome) => this.outcomes.push(outcome),
        onJournal: () => undefined,
        onBug: (error) => this.bugs.push(error),
      },
      { owner, coalesceMs: 5, fullResyncMs: 60_000, repair, bridges: () => new Set(['br-sfc']) },
    );
    this.loop.start();
  }

  #switches(onChange: FlowSwitches['onChange']): FlowSwitches {
    return {
      watch: () => undefined,
      snapshot: () => new Map([['br-sfc', this.flows.dump()]]),
      apply: (_bridge, changes) => {
        this.changes += changes.length;
        for (const change of changes) this.flows.apply(change);
        return Promise.resolve({ kind: 'applied' });
      },
      onChange,
    };
  }

  #save(state: ChainState): Promise<void> {
    if (!this.canSave) return Promise.reject(new Error('no space is left'));
    this.saves += 1;
    this.stored = state;
    return Promise.resolve();
  }

  /** Something has happened; the loop comes to rest. */
  async look(): Promise<void> {
    for (const listener of this.#listeners) listener();
    for (let turn = 0; turn < 3; turn += 1) {
      this.clock.advance(10);
      await settle();
    }
  }

  reason(chain = 'wire'): string | undefined {
    const conditions = this.outcomes.at(-1)?.conditions ?? [];
    return conditions.find(({ object }) => object.kind === 'chain' && object.name === chain)?.reason;
  }
}

describe('what the loop of the chains stores', () => {
  it('stores what is in force, programs it, and then rests', async () => {
    const world = new World();
    await world.look();
    expect(world.reason()).toBe('Ready');
    const { saves, changes } = world;
    expect([saves, changes]).toEqual([1, 2]);
    await world.look();
    expect([world.saves, world.changes, world.bugs]).toEqual([saves, changes, []]);
  });

  it('writes neither flows nor files while it only observes or another agent writes', async () => {
    const [observer, standby] = [new World('observe'), new World()];
    standby.isWriter = false;
    for (const world of [observer, standby]) {
      await world.look();
      expect([world.saves, world.changes, world.reason()]).toEqual([0, 0, 'ChainFlowsPending']);
    }
  });

  it('writes nothing to a bridge that is only observed, whoever wants flows on it', async () => {
    const world = new World();
    world.bridges = [bridgeIntent('br-sfc', { mode: 'observe' })];
    await world.look();
    expect([world.changes, world.reason()]).toEqual([0, 'ChainFlowsPending']);
    world.bridges = [];
    await world.look();
    expect(world.reason()).toBe('Ready');
  });

  it('believes what the other agent has stored when its own turn to write comes', async () => {
    const other = new World();
    await other.look();
    const world = new World();
    world.isWriter = false;
    await world.look();
    world.stored = other.stored;
    world.isWriter = true;
    // As a newcomer the chain would be refused, for a port is away.
    world.ports = world.ports.slice(0, 1);
    await world.look();
    expect(world.reason()).toBe('ChainPortsNotReady');
    expect(world.flows.dump()).toHaveLength(1);
  });

  it('keeps and repairs the chains in force while a newer version cannot be stored', async () => {
    const world = new World();
    await world.look();
    const before = [...world.flows.dump()];
    world.canSave = false;
    world.chains = [turned, chainIntent('more', [chainSwitch('c', 'd')])];
    world.flows = new FlowSwitch();
    await world.look();
    expect(world.flows.dump().map(({ match, actions }) => ({ match, actions }))).toEqual(
      before.map(({ match, actions }) => ({ match, actions })),
    );
    expect([world.reason(), world.reason('more')]).toEqual(['NotApplied', 'NotApplied']);
    world.canSave = true;
    world.clock.advance(10_000);
    await world.look();
    expect([world.reason(), world.bugs]).toEqual(['Ready', []]);
    expect(world.stored.accepted.get('wire')).toEqual(turned);
  });
});
