import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectKey, type Condition } from '../../src/model/condition.js';
import type { Intents } from '../../src/model/intent.js';
import type { Observed, ObservedBridge, ObservedPort } from '../../src/model/observed.js';
import { managedKeysKey, ownerKey, pinsKey, type StringMap } from '../../src/model/ownership.js';
import type { Action } from '../../src/plan/action.js';
import { formatPlan, planToJson } from '../../src/plan/format.js';
import { judge } from '../../src/plan/judge.js';
import { plan, type Plan, type PlanInput } from '../../src/plan/plan.js';
import { countSightings, ripeCandidates, type GraceByCause, type Sightings } from '../../src/plan/sightings.js';
import { anyIntents, anyObserved, anyTampering, tamper } from '../fakes/plan-arbitraries.js';
import { owner, planInput } from '../fakes/plan-rows.js';
import { apply } from '../fakes/plan-world.js';

const numRuns = 250;
const roundsMax = 10;
const grace: GraceByCause = {
  orphan: { sightings: 2, ms: 1000 },
  deviceGone: { sightings: 2, ms: 500 },
  deviceRecreated: { sightings: 2, ms: 100 },
  podMissing: { sightings: 2, ms: 100 },
};

interface Round {
  readonly input: PlanInput;
  readonly plan: Plan;
}

/** One round as the agent does it: candidates are counted, and the plan is made again with the ripe ones. */
function look(intents: Intents, observed: Observed, held: ReadonlySet<string>, seen: Sightings, nowMs: number) {
  const input = planInput(intents, observed, { held });
  const first = plan(input);
  const sightings = countSightings(seen, first.candidates, nowMs);
  const ripe = ripeCandidates(sightings, first.candidates, grace, nowMs);
  const ripened = { ...input, ripe };
  return { sightings, round: { input: ripened, plan: plan(ripened) } };
}

/** Applies plans until there is nothing left to do. The last round is the one with the empty plan. */
function converge(intents: Intents, start: Observed, each: (round: Round) => void = () => undefined): Round {
  let observed = start;
  let held: ReadonlySet<string> = new Set();
  let sightings: Sightings = new Map();
  const done: string[][] = [];
  for (let index = 0; index < roundsMax; index += 1) {
    const next = look(intents, observed, held, sightings, index * 1000);
    sightings = next.sightings;
    const { actions, candidates } = next.round.plan;
    each(next.round);
    if (actions.length === 0 && candidates.length === 0 && held.size === 0) return next.round;
    done.push(actions.map((action) => `${action.kind} ${action.object.name} ${JSON.stringify(action.differences)}`));
    observed = apply(observed, actions);
    held = new Set(actions.filter(({ kind }) => kind === 'deletePort').map(({ object }) => object.name));
  }
  throw new Error(`does not converge:\n${done.map((names) => names.join('\n')).join('\n--\n')}`);
}

const hasMark = (map: StringMap): boolean => map.get(ownerKey) === owner;
const mainOf = (port: ObservedPort) => port.interfaces.find((entry) => entry.name === port.name);

/** Written again here, from the rule: the row's own mark decides, and that of its other half where it has none. */
function isOwnPort(port: ObservedPort): boolean {
  if (port.externalIds.has(ownerKey)) return hasMark(port.externalIds);
  const main = mainOf(port);
  return main !== undefined && hasMark(main.externalIds);
}

function isOwnBridge(bridge: ObservedBridge, observed: Observed): boolean {
  if (bridge.externalIds.has(ownerKey)) return hasMark(bridge.externalIds);
  const local = observed.ports.get(bridge.name);
  return local?.bridge === bridge.name && isOwnPort(local);
}

/** What others rely on in a port, without what vswitchd reports. */
function configOfPort(port: ObservedPort) {
  const interfaces = port.interfaces.map(({ uuid, name, type, options, ofportRequest, mtuRequest, externalIds }) => {
    return { uuid, name, type, options, ofportRequest, mtuRequest, externalIds };
  });
  return { ...port, interfaces };
}

function configOfBridge({ datapathId: _reported, ...bridge }: ObservedBridge) {
  return bridge;
}

function isAdoptedPort(intents: Intents, port: ObservedPort): boolean {
  const isLocalOfAdopted = intents.bridges.some((entry) => entry.name === port.name && entry.adopt);
  // A representor may take any name.
  return (
    isLocalOfAdopted ||
    intents.ports.some((entry) => entry.adopt && (entry.name ?? port.name) === port.name) ||
    intents.ports.some((entry) => entry.adopt && entry.attachment.kind === 'representor')
  );
}

function isAdoptedBridge(intents: Intents, bridge: ObservedBridge): boolean {
  return intents.bridges.some((entry) => entry.name === bridge.name && entry.adopt && entry.mode === 'own');
}

/** Keys that intents or the agent's notes make the agent's in this map. */
function agentKeys(column: string, before: StringMap, declared: readonly StringMap[]): ReadonlySet<string> {
  const keys = new Set([ownerKey, managedKeysKey, pinsKey, 'datapath-id', 'hwaddr', 'peer']);
  for (const map of declared) for (const key of map.keys()) keys.add(key);
  const note = before.get(managedKeysKey) ?? '[]';
  for (const part of note.matchAll(/"([^"]*)"/g)) {
    const [, entry = ''] = part;
    if (entry.startsWith(`${column}:`)) keys.add(entry.slice(column.length + 1));
  }
  return keys;
}

function expectForeignKeysKept(before: StringMap, after: StringMap, own: ReadonlySet<string>): void {
  const foreign = (map: StringMap) => new Map([...map].filter(([key]) => !own.has(key)));
  expect(foreign(after)).toEqual(foreign(before));
}

/** The rows of an action, as they were observed. */
function rowsOf(action: Action, observed: Observed): { ports: ObservedPort[]; bridges: ObservedBridge[] } {
  const ports = [...observed.ports.values()];
  const bridges = [...observed.bridges.values()];
  if (action.kind === 'createBridge' || action.kind === 'createPort') return { ports: [], bridges: [] };
  if (action.kind === 'editBridge' || action.kind === 'deleteBridge') {
    return { ports: [], bridges: bridges.filter((row) => row.uuid === action.uuid) };
  }
  const isIt = (row: ObservedPort) => row.uuid === action.uuid || row.interfaces.some((e) => e.uuid === action.uuid);
  return { ports: ports.filter(isIt), bridges: [] };
}

/** Bridges that the action writes to. */
function bridgesOf(action: Action, observed: Observed): readonly string[] {
  const rows = rowsOf(action, observed);
  const named =
    action.kind === 'createPort' ? [action.bridge] : action.kind === 'movePort' ? [action.from, action.to] : [];
  const own = action.object.kind === 'bridge' ? [action.object.name] : [];
  return [...named, ...own, ...rows.ports.map((row) => row.bridge)];
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const keyed = items.map((item, index) => ({ item, rank: Math.imul(index + 1, seed | 1) >>> 0 }));
  return keyed.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

function shuffledMap<V>(map: ReadonlyMap<string, V>, seed: number): ReadonlyMap<string, V> {
  return new Map(shuffled([...map], seed));
}

function shuffledIntents(intents: Intents, seed: number): Intents {
  const maps = <T extends object>(intent: T): T =>
    Object.fromEntries(
      shuffled(Object.entries(intent), seed).map(([key, value]: [string, unknown]) => [
        key,
        value instanceof Map ? shuffledMap(value as StringMap, seed) : value,
      ]),
    ) as T;
  return {
    bridges: shuffled(intents.bridges, seed).map((entry) => ({
      ...maps(entry),
      protocols: shuffled(entry.protocols, seed),
    })),
    ports: shuffled(intents.ports, seed).map((entry) => maps(entry)),
  };
}

function shuffledObserved(observed: Observed, seed: number): Observed {
  const bridge = (row: ObservedBridge): ObservedBridge => ({
    ...row,
    protocols: shuffled(row.protocols, seed),
    otherConfig: shuffledMap(row.otherConfig, seed),
    externalIds: shuffledMap(row.externalIds, seed),
  });
  const port = (row: ObservedPort): ObservedPort => ({
    ...row,
    trunks: shuffled(row.trunks, seed),
    externalIds: shuffledMap(row.externalIds, seed),
    interfaces: shuffled(row.interfaces, seed).map((entry) => ({
      ...entry,
      options: shuffledMap(entry.options, seed),
    })),
  });
  return {
    ...observed,
    bridges: shuffledMap(new Map([...observed.bridges].map(([name, row]) => [name, bridge(row)])), seed),
    ports: shuffledMap(new Map([...observed.ports].map(([name, row]) => [name, port(row)])), seed),
    netdevs: shuffledMap(observed.netdevs, seed),
  };
}

const property = (check: (intents: Intents, observed: Observed, seed: number) => void) =>
  fc.assert(fc.property(anyIntents, anyObserved, fc.integer(), check), { numRuns });

describe('the planner, for any intents and any state of the world', () => {
  it('converges within a few rounds, and then plans nothing', () => {
    property((intents, observed) => {
      const { input } = converge(intents, observed);
      expect(plan(input).actions).toEqual([]);
    });
  });

  it('converges again when the intents change', () => {
    fc.assert(
      fc.property(anyIntents, anyIntents, anyObserved, (first, second, observed) => {
        converge(second, converge(first, observed).input.observed);
      }),
      { numRuns },
    );
  });

  it('converges again after foreign edits of its rows', () => {
    fc.assert(
      fc.property(anyIntents, anyObserved, fc.array(anyTampering, { maxLength: 4 }), (intents, observed, edits) => {
        const settled = converge(intents, observed).input.observed;
        converge(intents, tamper(settled, edits));
      }),
      { numRuns },
    );
  });

  it('leaves foreign ports and bridges as they were', () => {
    property((intents, observed) => {
      const after = converge(intents, observed).input.observed;
      for (const port of observed.ports.values()) {
        const isLocalOfOwn = [...observed.bridges.values()].some(
          (b) => b.name === port.name && isOwnBridge(b, observed),
        );
        if (isOwnPort(port) || isLocalOfOwn || isAdoptedPort(intents, port)) continue;
        expect(after.ports.get(port.name) && configOfPort(after.ports.get(port.name)!)).toEqual(configOfPort(port));
      }
      for (const bridge of observed.bridges.values()) {
        if (isOwnBridge(bridge, observed) || isAdoptedBridge(intents, bridge)) continue;
        const kept = after.bridges.get(bridge.name);
        expect(kept && configOfBridge(kept)).toEqual(configOfBridge(bridge));
      }
    });
  });

  it('leaves the foreign keys of its own rows as they were', () => {
    property((intents, observed) => {
      const after = converge(intents, observed).input.observed;
      const declaredPorts = intents.ports.flatMap((p) => [
        p.options,
        p.otherConfig,
        p.externalIds,
        p.interfaceExternalIds,
      ]);
      for (const port of observed.ports.values()) {
        const kept = after.ports.get(port.name);
        if (kept?.uuid !== port.uuid) continue;
        const keys = (column: string, map: StringMap) => agentKeys(column, map, declaredPorts);
        expectForeignKeysKept(port.externalIds, kept.externalIds, keys('external_ids', port.externalIds));
        expectForeignKeysKept(port.otherConfig, kept.otherConfig, keys('other_config', port.externalIds));
        const [main, keptMain] = [mainOf(port), mainOf(kept)];
        if (main === undefined || keptMain === undefined) continue;
        expectForeignKeysKept(main.externalIds, keptMain.externalIds, keys('external_ids', main.externalIds));
        expectForeignKeysKept(main.options, keptMain.options, keys('options', main.externalIds));
      }
      const declaredBridges = intents.bridges.flatMap((b) => [b.otherConfig, b.externalIds]);
      for (const bridge of observed.bridges.values()) {
        const kept = after.bridges.get(bridge.name);
        if (kept?.uuid !== bridge.uuid) continue;
        const keys = (column: string) => agentKeys(column, bridge.externalIds, declaredBridges);
        expectForeignKeysKept(bridge.externalIds, kept.externalIds, keys('external_ids'));
        expectForeignKeysKept(bridge.otherConfig, kept.otherConfig, keys('other_config'));
      }
    });
  });

  it('names only rows that carry its mark or that an intent adopts', () => {
    property((intents, observed) => {
      converge(intents, observed, ({ input, plan: { actions } }) => {
        for (const action of actions) {
          const { ports, bridges } = rowsOf(action, input.observed);
          for (const port of ports) expect(isOwnPort(port) || isAdoptedPort(intents, port)).toBe(true);
          for (const row of bridges) {
            expect(isOwnBridge(row, input.observed) || isAdoptedBridge(intents, row)).toBe(true);
          }
          const isCreation = action.kind === 'createBridge' || action.kind === 'createPort';
          expect(ports.length + bridges.length).toBe(isCreation ? 0 : 1);
        }
      });
    });
  });

  it('writes nothing to a bridge in mode observe', () => {
    property((intents, observed) => {
      converge(intents, observed, ({ input, plan: { actions } }) => {
        const observing = [...input.desired.bridges.values()].filter(({ mode }) => mode === 'observe');
        const names = new Set(observing.map(({ name }) => name));
        const written = actions.flatMap((action) => bridgesOf(action, input.observed));
        expect(written.filter((name) => names.has(name))).toEqual([]);
      });
    });
  });

  it('asks for no OpenFlow number twice on a bridge', () => {
    property((intents, observed) => {
      const { desired, observed: after } = converge(intents, observed).input;
      const requests = [...desired.ports.keys()].flatMap((name) => {
        const port = after.ports.get(name);
        const request = port && isOwnPort(port) ? mainOf(port)?.ofportRequest : undefined;
        const isPlanned = port?.bridge === desired.ports.get(name)?.bridge;
        const isReady = judge(planInput(intents, after), plan(planInput(intents, after))).some(
          ({ object, state }) => object.name === name && state === 'ready',
        );
        return request === undefined || !isPlanned || !isReady ? [] : [`${port?.bridge ?? ''} ${request}`];
      });
      expect(new Set(requests).size).toBe(requests.length);
    });
  });

  it('plans the same, whatever the order of its inputs', () => {
    property((intents, observed, seed) => {
      const ordered = planInput(intents, observed);
      const ripe = new Set(plan(ordered).candidates.map(({ key }) => key));
      const one = { ...ordered, ripe };
      const other = planInput(shuffledIntents(intents, seed), shuffledObserved(observed, seed), { ripe });
      expect(plan(other)).toEqual(plan(one));
      expect(JSON.stringify(planToJson(plan(other)))).toBe(JSON.stringify(planToJson(plan(one))));
      expect(judge(other, plan(other))).toEqual(judge(one, plan(one)));
    });
  });

  it('says exactly one thing of every wanted object', () => {
    property((intents, observed) => {
      converge(intents, observed, ({ input, plan: planned }) => {
        const conditions: readonly Condition[] = judge(input, planned);
        const keys = conditions.map(({ object }) => objectKey(object));
        expect(new Set(keys).size).toBe(keys.length);
        const wanted = [
          ...[...input.desired.bridges.keys()].map((name) => objectKey({ kind: 'bridge', name })),
          ...[...input.desired.ports.keys()].map((name) => objectKey({ kind: 'port', name })),
          ...input.desired.waiting.map(({ object }) => objectKey(object)),
        ];
        expect(keys).toEqual(expect.arrayContaining(wanted));
        expect(formatPlan(planned)).toContain(`${planned.actions.length} change(s)`);
      });
    });
  });

  it('calls ready only what the plan would not change', () => {
    property((intents, observed) => {
      converge(intents, observed, ({ input, plan: planned }) => {
        const changing = new Set(planned.actions.map(({ object }) => objectKey(object)));
        const ready = judge(input, planned).filter(({ state }) => state === 'ready');
        expect(ready.filter(({ object }) => changing.has(objectKey(object)))).toEqual([]);
      });
    });
  });

  it('leaves out exactly what the database refused, and what hangs on it', () => {
    fc.assert(
      fc.property(anyIntents, anyObserved, fc.nat(), (intents, observed, pick) => {
        const input = planInput(intents, observed);
        const { actions } = plan(input);
        if (actions.length === 0) return;
        const { object } = actions[pick % actions.length]!;
        const quarantined = new Map([[objectKey(object), 'constraint violation']]);
        const rest = plan({ ...input, quarantined });
        expect(rest.actions.map((action) => objectKey(action.object))).not.toContain(objectKey(object));
        expect(rest.blocked.filter((entry) => objectKey(entry.object) === objectKey(object))).toMatchObject([
          { reason: 'TransactionRefused' },
        ]);
        // What is left can be carried out on its own.
        expect(() => apply(observed, rest.actions)).not.toThrow();
      }),
      { numRuns },
    );
  });
});
