import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttachAction } from '../../src/attach/attach-action.js';
import type { AttachIdentity } from '../../src/attach/attachment.js';
import { parseConnectionDetails } from '../../src/attach/connection-details.js';
import { ifaceId } from '../../src/attach/nad-key.js';
import { planAttachments, type AttachInput, type AttachPlan } from '../../src/attach/plan-attach.js';
import type { ObservedInterface, ObservedPort } from '../../src/model/observed.js';
import { managedKeysKey, ownerKey, pinsKey, type StringMap } from '../../src/model/ownership.js';
import type { PodView } from '../../src/model/pod.js';
import type { RowEdit } from '../../src/plan/action.js';
import { anyHappening, anyPod, anyWorld } from '../fakes/attach-arbitraries.js';
import { inputOf, mark } from '../fakes/attach-inputs.js';
import { AttachSimulation, type Round } from '../fakes/attach-simulation.js';

const numRuns = 300;
const anyPods = fc.array(anyPod, { maxLength: 5 });

/** Everything that the rules speak of is written again here, from the rules. */
const marksOf = (port: ObservedPort): readonly (string | undefined)[] => [
  port.externalIds.get(ownerKey),
  mainOf(port)?.externalIds.get(ownerKey),
];
const mainOf = (port: ObservedPort): ObservedInterface | undefined =>
  port.interfaces.find(({ name }) => name === port.name);
const isOwn = (port: ObservedPort): boolean =>
  marksOf(port).includes(mark) && marksOf(port).every((found) => found === undefined || found === mark);
const isUnmarked = (port: ObservedPort): boolean => marksOf(port).every((found) => found === undefined);

function identityOf(port: ObservedPort): AttachIdentity {
  const ids = mainOf(port)?.externalIds ?? new Map<string, string>();
  return {
    ifaceId: ids.get('iface-id') ?? '',
    uid: ids.get('iface-id-ver') ?? '',
    sandboxId: ids.get('sandbox') ?? '',
    nadKey: ids.get('k8s.ovn.org/nad') ?? 'default',
  };
}

/** The pod of that uid, if it is there for certain. */
function livingPod({ pods, deleted }: AttachInput, uid: string): PodView | undefined {
  const pod = pods.get(uid);
  if (pod === undefined || deleted.has(uid)) return undefined;
  const later = [...pods.values()].some(
    (other) => other.name === pod.name && !deleted.has(other.uid) && other.createdMs > pod.createdMs,
  );
  return later ? undefined : pod;
}

function portOf({ observed }: AttachInput, action: AttachAction): ObservedPort {
  const port = observed.ports.get(action.port);
  if (port === undefined) throw new Error(`no port ${action.port}`);
  return port;
}

const notes = [ownerKey, managedKeysKey, pinsKey];
const agentKeys: Readonly<Record<string, readonly string[]>> = {
  external_ids: [
    ...['attached_mac', 'iface-id', 'iface-id-ver', 'sandbox', 'ip_addresses', 'vf-netdev-name', 'encap-ip'],
    ...['k8s.ovn.org/network', 'k8s.ovn.org/nad', ...notes],
  ],
  other_config: ['transient', 'max-rate'],
};

/** Keys are written only where they are the agent's, and deleted only where its own note says that it wrote them. */
function expectOwnKeys(edit: RowEdit, before: StringMap): void {
  for (const [column, map] of edit.setKeys) {
    for (const key of map.keys()) expect(agentKeys[column]).toContain(key);
  }
  for (const [column, keys] of edit.deleteKeys) {
    for (const key of keys) {
      expect(key).not.toMatch(/^ovn-installed/);
      const isNoted = (before.get(managedKeysKey) ?? '').includes(`"${column}:${key}"`);
      expect(isNoted || notes.includes(key)).toBe(true);
    }
  }
}

function expectEditsOwnKeys({ input, plan }: Round): void {
  for (const action of plan.actions) {
    if (action.kind === 'attach') {
      expectOwnKeys(action.portRow, new Map());
      expectOwnKeys(action.interfaceRow, new Map());
    }
    if (action.kind !== 'repair') continue;
    const port = portOf(input, action);
    expectOwnKeys(action.portEdit, port.externalIds);
    expectOwnKeys(action.interfaceEdit, mainOf(port)?.externalIds ?? new Map());
    if (action.qos.kind === 'edit') {
      expectOwnKeys(action.qos.edit, input.observed.qos.get(action.qos.uuid)?.externalIds ?? new Map());
    }
  }
}

/** Rows without the mark are named only to adopt one of exactly the same identity. */
function expectOwnRows({ input, plan }: Round): void {
  for (const action of plan.actions) {
    if (action.kind === 'detach') expect(isOwn(portOf(input, action))).toBe(true);
    if (action.kind !== 'repair') continue;
    const port = portOf(input, action);
    if (isOwn(port)) continue;
    expect(isUnmarked(port)).toBe(true);
    const request = plan.verdicts.find(({ key }) => key === action.key)?.request;
    expect(identityOf(port)).toEqual(request?.identity);
    expect(port.interfaces).toHaveLength(1);
  }
}

function expectOwnQos({ input, plan }: Round): void {
  const { observed } = input;
  const { qos, ports } = observed;
  const users = (uuid: string) => [...ports.values()].filter((port) => port.qos === uuid).length;
  for (const action of plan.actions) {
    const uuid =
      action.kind === 'detach' ? action.qosUuid : action.kind === 'dropQos' ? action.uuid : uuidOfChange(action);
    if (uuid === undefined) continue;
    const found = qos.get(uuid)?.externalIds ?? new Map<string, string>();
    // One without a mark is taken over with the port, if it was made for this very sandbox.
    const sandbox =
      action.kind === 'repair'
        ? mainOf(portOf({ observed } as AttachInput, action))?.externalIds.get('sandbox')
        : undefined;
    const isLeft = !found.has(ownerKey) && sandbox !== undefined && found.get('sandbox') === sandbox;
    expect(isLeft || found.get(ownerKey) === mark).toBe(true);
    expect(users(uuid)).toBe(action.kind === 'dropQos' ? 0 : 1);
  }
}

function uuidOfChange(action: AttachAction): string | undefined {
  if (action.kind !== 'repair' || action.qos.kind === 'keep' || action.qos.kind === 'create') return undefined;
  return action.qos.uuid;
}

const unaddressed: ReadonlySet<string> = new Set(['PodNetworkMissing', 'PodNetworkInvalid']);

function expectOneClaim({ plan }: Round): void {
  const holders = new Map<string, string>();
  for (const { device, key, verdict } of plan.verdicts) {
    if (device === undefined || verdict.reason === 'RepresentorClaimedTwice') continue;
    // Without an address a newcomer claims nothing.
    if (unaddressed.has(verdict.reason) && plan.holders.get(device) !== key) continue;
    expect(holders.get(device) ?? key).toBe(key);
    holders.set(device, key);
    expect(plan.holders.get(device)).toBe(key);
  }
  const attached = plan.actions.filter(({ kind }) => kind === 'attach').map(({ port }) => port);
  expect(new Set(attached).size).toBe(attached.length);
}

/** What is made anew goes in one transaction and comes in a later one. */
function expectGoneBeforeMade({ input, plan }: Round): void {
  const ids = new Set([...input.observed.ports.values()].filter(isOwn).map((port) => identityOf(port).ifaceId));
  for (const action of plan.actions) {
    if (action.kind !== 'attach') continue;
    expect(input.observed.ports.has(action.port)).toBe(false);
    expect(ids.has(action.interfaceRow.setKeys.get('external_ids')?.get('iface-id') ?? '')).toBe(false);
    expect(input.held.has(action.port)).toBe(false);
  }
}

const isRipe = ({ ripe }: AttachInput, cause: string, port: string): boolean => ripe.has(`${cause} port:${port}`);

/** Why no port may be taken away that carries this identity, or undefined. */
function protection(input: AttachInput, port: ObservedPort): string | undefined {
  const { uid, nadKey, ifaceId: id } = identityOf(port);
  if (uid === '' || isRipe(input, 'deviceGone', port.name)) return undefined;
  if (input.deleted.has(uid)) return undefined;
  const pod = livingPod(input, uid);
  if (pod === undefined) {
    const namesake = [...input.pods.values()].some(
      (other) => !input.deleted.has(other.uid) && ifaceId(nadKey, other.namespace, other.name) === id,
    );
    return namesake || isRipe(input, 'podMissing', port.name) ? undefined : 'it is only missing from the list';
  }
  if (pod.isTerminal) return undefined;
  const details = parseConnectionDetails(pod.annotations.details);
  if (details.kind === 'unparsable') return 'its details cannot be read';
  const entry = details.kind === 'read' ? details.networks.get(nadKey) : undefined;
  return entry?.kind === 'invalid' ? 'the details of the network cannot be read' : undefined;
}

function expectProtected({ input, plan }: Round): void {
  for (const action of plan.actions) {
    if (action.kind === 'detach') expect(protection(input, portOf(input, action))).toBeUndefined();
  }
}

function expectDeletedGone({ input, plan }: Round): void {
  const detached = plan.actions.filter(({ kind }) => kind === 'detach').map(({ port }) => port);
  for (const port of input.observed.ports.values()) {
    if (mainOf(port) === undefined || !isOwn(port) || !input.deleted.has(identityOf(port).uid)) continue;
    expect(detached).toContain(port.name);
  }
}

/** A guard names all that tells the row, so that nothing is written when it is another by then. */
function expectGuards({ input, plan }: Round): void {
  for (const action of plan.actions) {
    if (action.kind !== 'detach' && action.kind !== 'repair') continue;
    const main = mainOf(portOf(input, action));
    for (const key of ['iface-id', 'iface-id-ver', 'sandbox', ownerKey]) {
      expect(action.rows.guard.get(key)).toBe(main?.externalIds.get(key));
    }
  }
}

const rules = [
  expectEditsOwnKeys,
  expectOwnRows,
  expectOwnQos,
  expectOneClaim,
  expectGoneBeforeMade,
  expectProtected,
  expectDeletedGone,
  expectGuards,
];

function expectAllRules(round: Round): void {
  for (const rule of rules) rule(round);
}

function shuffled<T>(items: Iterable<T>, seed: number): T[] {
  const keyed = [...items].map((item, index) => ({ item, rank: Math.imul(index + 1, seed | 1) >>> 0 }));
  return keyed.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}

function withOtherOrder(input: AttachInput, seed: number): AttachInput {
  const mix = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> => new Map(shuffled(map, seed));
  const { observed } = input;
  const { ports, netdevs, qos, bridges } = observed;
  return {
    ...input,
    pods: mix(input.pods),
    holders: mix(input.holders),
    observed: { ...observed, ports: mix(ports), netdevs: mix(netdevs), qos: mix(qos), bridges: mix(bridges) },
  };
}

/** A plan in one text, to compare: maps in their order, for it is part of the plan. */
function textOf(plan: AttachPlan): string {
  const holders = [...plan.holders].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...plan, holders }, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
}

/** A world in which some rounds have been, so that the agent remembers something. */
const anyHistory = fc.tuple(anyWorld, anyPods, fc.array(fc.array(anyHappening, { maxLength: 3 }), { maxLength: 6 }));

function played([observed, pods, happenings]: typeof anyHistory extends fc.Arbitrary<infer T> ? T : never) {
  const world = new AttachSimulation(observed, pods);
  for (const events of happenings) {
    for (const happen of events) happen(world);
    world.step();
  }
  return world;
}

describe('plan of attachments, over random worlds and happenings', () => {
  it('keeps every rule in every round, and converges to where there is nothing left to do', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const world = played(history);
        const { plan } = world.settle(40);
        expect(plan.actions).toEqual([]);
        for (const round of world.rounds) expectAllRules(round);
      }),
      { numRuns },
    );
  });

  it('does nothing twice: what was applied is not planned again', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const world = played(history);
        world.settle(40);
        const before = world.observed;
        for (let round = 0; round < 3; round += 1) expect(world.step().plan.actions).toEqual([]);
        expect(world.observed).toEqual(before);
      }),
      { numRuns },
    );
  });

  it('ends in the same state when batches are cut to single actions', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const [whole, cut] = [played(history), played(history)];
        for (let round = 0; round < 30; round += 1) expectAllRules(cut.step(1));
        for (const world of [whole, cut]) world.settle(40);
        const names = (world: AttachSimulation) =>
          [...world.observed.ports.values()].map((port) => [port.name, identityOf(port)]).sort();
        expect(names(cut)).toEqual(names(whole));
      }),
      { numRuns: numRuns / 4 },
    );
  });

  it('is the same for every order of pods, rows and devices, and the same each time', () => {
    fc.assert(
      fc.property(anyHistory, fc.integer(), (history, seed) => {
        const { input } = played(history).look();
        const plan = textOf(planAttachments(input));
        expect(textOf(planAttachments(input))).toBe(plan);
        expect(textOf(planAttachments(withOtherOrder(input, seed)))).toBe(plan);
      }),
      { numRuns },
    );
  });

  it('gives the winner the same actions with and without a loser', () => {
    let losers = 0;
    fc.assert(
      fc.property(anyHistory, (history) => {
        const { input, plan } = played(history).look();
        for (const { pod, heldBy, verdict } of plan.verdicts) {
          const isLoser = verdict.reason === 'RepresentorClaimedTwice' && heldBy !== undefined;
          if (!isLoser || heldBy.startsWith(`${pod.uid}|`)) continue;
          losers += 1;
          // Without a pod, an earlier one of its name that a stale list holds would come to life again.
          const rest = new Map([...input.pods].filter(([, { name }]) => name !== pod.name));
          const without = planAttachments({ ...input, pods: rest });
          const actionsOf = ({ actions }: AttachPlan) => actions.filter(({ key }) => key === heldBy);
          expect(actionsOf(without)).toEqual(actionsOf(plan));
        }
      }),
      { numRuns },
    );
    expect(losers).toBeGreaterThan(0);
  });

  it('takes nothing from anybody when a newcomer says anything at all', () => {
    fc.assert(
      fc.property(anyHistory, anyPod, (history, newcomer) => {
        const world = played(history);
        const { input, plan } = world.settle(40);
        const pod = { ...newcomer, uid: 'u-new', name: 'new', createdMs: 0 };
        const more = planAttachments({ ...input, pods: new Map([...input.pods, [pod.uid, pod]]) });
        expect(more.actions.filter(({ kind }) => kind !== 'attach')).toEqual([]);
        for (const [device, key] of plan.holders) expect(more.holders.get(device)).toBe(key);
      }),
      { numRuns },
    );
  });

  it('never throws, and never writes to a port for what cannot be read', () => {
    fc.assert(
      fc.property(anyWorld, anyPods, (observed, pods) => {
        const input = inputOf(pods, observed);
        expectAllRules({ input, plan: planAttachments(input) });
      }),
      { numRuns },
    );
  });
});
