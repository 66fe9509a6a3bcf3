import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import type { Condition, ConditionState, ObjectRef } from '../../src/model/condition.js';
import type { Reason } from '../../src/model/reasons.js';
import { DeskWorld, MemoryStore } from '../fakes/intent-desk-world.js';

const bridge = { bridges: [{ name: 'br-x' }] };
const config = 'bridges: [{name: br-int, ports: [{name: p9, kind: internal}]}, {name: br-seen, mode: observe}]';

const condition = (object: ObjectRef, state: ConditionState, reason: Reason): Condition => {
  return { object, state, reason, message: '', evidence: {} };
};
const brX: ObjectRef = { kind: 'bridge', name: 'br-x' };

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error instanceof AgentError ? error.code : undefined;
}

describe('the desk of intents', () => {
  it('stores a bundle, puts it in force beside the configuration, and gives it back', async () => {
    const world = new DeskWorld({ config });
    const answer = await world.apply({ generation: 7n, bundle: bridge });
    expect(answer).toMatchObject({ kind: 'accepted', isRepeated: false, preview: undefined });
    expect(world.desk.get('fleet-1')).toMatchObject({ generation: 7n, actor: 'uid:0', bundle: bridge });
    expect(world.store.records.get('fleet-1')?.bundle.bridges).toEqual(bridge.bridges);
    const { bridges } = world.desk.intents.intents();
    expect(bridges.map(({ name, source }) => [name, source])).toEqual([
      ['br-int', { rank: 0, name: 'configuration, bridge br-int' }],
      ['br-seen', { rank: 0, name: 'configuration, bridge br-seen' }],
      ['br-x', { rank: 1, name: 'controller fleet-1, bridge br-x' }],
    ]);
  });

  it('replaces a bundle by the next generation as a whole', async () => {
    const world = new DeskWorld();
    await world.apply({ bundle: bridge });
    await world.apply({ generation: 2n, bundle: { bridges: [{ name: 'br-y' }] } });
    expect(world.desk.intents.intents().bridges.map(({ name }) => name)).toEqual(['br-y']);
    expect(world.desk.list()).toHaveLength(1);
  });

  it('answers a repetition as it did the first time, and changes nothing', async () => {
    const world = new DeskWorld();
    await world.apply({ bundle: { bridges: [{ name: 'br-x', failMode: 'secure' }] } });
    const { revision } = world.desk.intents;
    const answer = await world.apply({ bundle: { bridges: [{ failMode: 'secure', name: 'br-x' }] } });
    expect(answer).toMatchObject({ kind: 'accepted', isRepeated: true });
    expect(world.desk.intents.revision).toBe(revision);
    expect(world.journal.tail(9)).toHaveLength(1);
  });

  it.each([
    ['an older generation', { generation: 4n, bundle: bridge }, 'INTENT_GENERATION'],
    ['the same generation with other content', { generation: 5n, bundle: {} }, 'INTENT_GENERATION'],
    ['a used key with other content', { generation: 6n, idempotencyKey: 'k', bundle: {} }, 'INTENT_REPLAYED'],
    ['a used key with another generation', { generation: 6n, idempotencyKey: 'k', bundle: bridge }, 'INTENT_REPLAYED'],
  ])('refuses %s', async (_what, request, code) => {
    const world = new DeskWorld();
    await world.apply({ generation: 5n, idempotencyKey: 'k', bundle: bridge });
    expect(await codeOf(world.apply(request))).toBe(code);
    expect(world.desk.get('fleet-1')?.generation).toBe(5n);
    const answer = await world.apply({ generation: 5n, idempotencyKey: 'k', bundle: bridge });
    expect(answer).toMatchObject({ isRepeated: true });
  });

  it('refuses owners, generations and keys that are none', async () => {
    const world = new DeskWorld();
    const request = { owner: 'Fleet\n', generation: 0n, idempotencyKey: 'ä', bundle: bridge };
    expect(await world.apply(request)).toMatchObject({
      kind: 'invalid',
      violations: [{ field: 'owner' }, { field: 'generation' }, { field: 'idempotency_key' }],
    });
    expect(JSON.stringify(world.journal.tail(1))).not.toContain('\\n');
  });

  it('takes neither a bundle that is too large nor one owner too many', async () => {
    const world = new DeskWorld();
    const notes = (count: number, text: string): Readonly<Record<string, string>> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, text]));
    const noted = (externalIds: Readonly<Record<string, string>>) => ({ bridges: [{ name: 'a', externalIds }] });
    expect(await codeOf(world.apply({ bundle: noted(notes(1_100, 'x'.repeat(4_000))) }))).toBe('INTENT_LIMIT');
    expect(await codeOf(world.apply({ bundle: noted(notes(257, 'x')) }))).toBe('INTENT_LIMIT');
    expect(await world.apply({ bundle: noted(notes(256, 'x')) })).toMatchObject({ kind: 'accepted' });
    await world.desk.delete('fleet-1', undefined, 'uid:0');
    for (let index = 0; index < 64; index += 1) await world.apply({ owner: `o${index}` });
    expect(await codeOf(world.apply({ owner: 'one-more' }))).toBe('INTENT_LIMIT');
    expect(await world.apply({ owner: 'o3', generation: 2n })).toMatchObject({ kind: 'accepted' });
  });

  it('changes nothing when the bundle cannot be stored', async () => {
    const world = new DeskWorld();
    await world.apply({ bundle: bridge });
    world.store.failure = new AgentError('STATE_UNWRITABLE', 'disk full');
    expect(await codeOf(world.apply({ generation: 2n }))).toBe('STATE_UNWRITABLE');
    expect(await codeOf(world.desk.delete('fleet-1', undefined, 'uid:0'))).toBe('STATE_UNWRITABLE');
    expect(world.desk.get('fleet-1')?.generation).toBe(1n);
    expect(world.desk.intents.intents().bridges).toHaveLength(1);
  });

  it('handles one request after the other, each against what the one before has left', async () => {
    const world = new DeskWorld();
    const answers = await Promise.all(['a', 'b', 'c'].map((owner) => world.apply({ owner, bundle: bridge })));
    expect(answers.map(({ kind }) => kind)).toEqual(['accepted', 'conflict', 'conflict']);
  });

  it('takes no more objects of all owners together than it names', async () => {
    const world = new DeskWorld();
    const ports = (owner: number) =>
      Array.from({ length: 4_000 }, (_, i) => ({ name: `p${owner}x${i}`, kind: 'internal' }));
    for (const owner of [1, 2, 3, 4]) {
      const bundle = { bridges: [{ name: `br-${owner}`, ports: ports(owner) }] };
      expect(await world.apply({ owner: `o${owner}`, bundle })).toMatchObject({ kind: 'accepted' });
    }
    const more = world.apply({ owner: 'o5', bundle: { bridges: [{ name: 'br-5', ports: ports(5) }] } });
    await expect(more).rejects.toThrow('20005 objects; at most 16384 are taken');
    expect(await world.apply({ owner: 'o5', bundle: bridge })).toMatchObject({ kind: 'accepted' });
  });

  it('drops a request whose caller has gone when its turn comes', async () => {
    const world = new DeskWorld();
    const gone = new AbortController();
    const calls = [world.apply({ owner: 'a' }), world.apply({ owner: 'b', signal: gone.signal })];
    gone.abort();
    expect(await Promise.all(calls.map(codeOf))).toEqual([undefined, 'ABORTED']);
    expect(world.desk.list().map(({ owner }) => owner)).toEqual(['a']);
  });

  it('refuses what waits when it is closed', async () => {
    const world = new DeskWorld();
    const first = world.apply({ owner: 'a' });
    const closed = world.desk.close();
    expect(await codeOf(first)).toBe('ABORTED');
    await closed;
    expect(await codeOf(world.apply({ owner: 'b' }))).toBe('ABORTED');
  });

  it('says on a dry run what would be wanted by all, and takes nothing', async () => {
    const world = new DeskWorld({ config });
    await world.apply({ owner: 'other', bundle: { bridges: [{ name: 'br-o' }] } });
    world.preview = { changes: [], flowChanges: ['x'], findings: [] };
    const answer = await world.apply({ isDryRun: true, bundle: bridge });
    expect(answer).toMatchObject({ kind: 'accepted', preview: { flowChanges: ['x'] } });
    expect(world.previewed[0]?.intents.bridges.map(({ name }) => name)).toEqual(['br-int', 'br-seen', 'br-o', 'br-x']);
    expect(world.desk.get('fleet-1')).toBeUndefined();
    expect(await world.apply({ isDryRun: true, bundle: { bridges: [{ name: 'br-o' }] } })).toMatchObject({
      kind: 'conflict',
    });
    expect(world.journal.tail(9)).toHaveLength(1);
  });

  it('deletes only the generation that is meant', async () => {
    const world = new DeskWorld();
    await world.apply({ generation: 3n, bundle: bridge });
    expect(await codeOf(world.desk.delete('fleet-1', 2n, 'uid:0'))).toBe('INTENT_GENERATION');
    expect(await world.desk.delete('fleet-1', 3n, 'uid:0')).toBe(true);
    expect(await world.desk.delete('fleet-1', 3n, 'uid:0')).toBe(false);
    expect(world.desk.status('fleet-1')).toBeUndefined();
    expect(world.desk.intents.intents().bridges).toEqual([]);
    expect(world.store.records.size).toBe(0);
  });

  it('goes on with what was stored', async () => {
    const store = new MemoryStore();
    await new DeskWorld({ store }).apply({ generation: 3n, idempotencyKey: 'k', bundle: bridge });
    const world = new DeskWorld({ store });
    expect(world.desk.intents.intents().bridges.map(({ name }) => name)).toEqual(['br-x']);
    const again = { generation: 3n, idempotencyKey: 'k', bundle: bridge };
    expect(await world.apply(again)).toMatchObject({ isRepeated: true });
  });

  it('records who changed what, and a refusal that is repeated once', async () => {
    const world = new DeskWorld({ config });
    await world.apply({ actor: 'spiffe://fleet/1', bundle: bridge });
    const bad = { generation: 2n, actor: 'spiffe://fleet/1', bundle: { bridges: [{ name: 'br-int' }] } };
    await world.apply(bad);
    await world.apply(bad);
    await world.apply({ ...bad, actor: 'cn:two' });
    await world.apply({ generation: 3n, actor: 'spiffe://fleet/1' });
    await world.apply({ ...bad, generation: 4n });
    expect(world.journal.tail(9).map(({ kind, actor, outcome, summary }) => [kind, actor, outcome, summary])).toEqual([
      ['audit', 'spiffe://fleet/1', 'applied', 'apply intents of fleet-1, generation 1'],
      ['audit', 'spiffe://fleet/1', 'refused', 'apply intents of fleet-1, generation 2'],
      ['audit', 'cn:two', 'refused', 'apply intents of fleet-1, generation 2'],
      ['audit', 'spiffe://fleet/1', 'applied', 'apply intents of fleet-1, generation 3'],
      ['audit', 'spiffe://fleet/1', 'refused', 'apply intents of fleet-1, generation 4'],
    ]);
    expect(world.journal.tail(1)[0]?.details[0]).toContain('configuration, bridge br-int');
  });
});

describe('two agents on one store', () => {
  it('work from what is stored when their turn begins', async () => {
    const store = new MemoryStore();
    const active = new DeskWorld({ store });
    await active.apply({ generation: 1n, bundle: bridge });
    const idle = new DeskWorld({ store });
    idle.standing = 'standby';
    await active.apply({ generation: 2n, bundle: { bridges: [{ name: 'br-new' }] } });
    await active.apply({ owner: 'late', bundle: { bridges: [{ name: 'br-late' }] } });
    store.isChanged = true;
    idle.standing = 'writer';
    idle.desk.standingChanged();
    expect(idle.desk.intents.intents().bridges.map(({ name }) => name)).toEqual(['br-new', 'br-late']);
    expect(await codeOf(idle.apply({ generation: 2n, bundle: bridge }))).toBe('INTENT_GENERATION');
    expect(idle.desk.get('late')?.generation).toBe(1n);
  });

  it('leave changes to the one that is active', async () => {
    const world = new DeskWorld();
    await world.apply({ bundle: bridge });
    expect(world.store.isClaimed).toBe(true);
    world.standing = 'standby';
    expect(await codeOf(world.apply({ generation: 2n }))).toBe('OVSDB_NOT_OWNER');
    expect(await codeOf(world.desk.delete('fleet-1', undefined, 'uid:0'))).toBe('OVSDB_NOT_OWNER');
    expect(world.store.isClaimed).toBe(false);
    expect(await world.apply({ generation: 2n, isDryRun: true })).toMatchObject({ kind: 'accepted' });
    expect(world.store.records.get('fleet-1')?.generation).toBe(1n);
  });
});

describe('a bundle that the compiler fails at', () => {
  const failAt = (world: DeskWorld, name: string): void => {
    const compile = world.compiler.compile.bind(world.compiler);
    world.compiler.compile = (bundles) => {
      if (JSON.stringify(bundles.map((entry) => entry.bundle)).includes(name)) throw new Error('a fault');
      return compile(bundles);
    };
  };

  it('is not stored', async () => {
    const world = new DeskWorld();
    failAt(world, 'br-bad');
    await expect(world.apply({ bundle: { bridges: [{ name: 'br-bad' }] } })).rejects.toThrow('a fault');
    expect(world.store.records.size).toBe(0);
    expect(await world.apply({ bundle: bridge })).toMatchObject({ kind: 'accepted' });
  });

  it('is set aside when it was stored before, and told', async () => {
    const world = new DeskWorld();
    await world.apply({ owner: 'bad', bundle: { bridges: [{ name: 'br-bad' }] } });
    await world.apply({ owner: 'good', bundle: bridge });
    failAt(world, 'br-bad');
    world.desk.reload();
    expect(world.desk.intents.intents().bridges.map(({ name }) => name)).toEqual(['br-x']);
    expect(world.findings).toMatchObject([{ reason: 'IntentContradicted', object: { name: 'bad' } }]);
    expect(world.findings[0]?.message).toContain('a fault');
    expect(world.desk.get('bad')?.generation).toBe(1n);
  });
});

describe('the status of a bundle', () => {
  it('is accepted until the loops have looked with it in force', async () => {
    const world = new DeskWorld();
    await world.apply({ bundle: bridge });
    const old = world.statusOf([condition(brX, 'ready', 'Ready')], [], world.desk.intents.revision - 1);
    world.desk.setStatus(old);
    expect(world.desk.status('fleet-1')?.phase).toBe('accepted');
    world.saw([condition(brX, 'ready', 'Ready')]);
    expect(world.desk.status('fleet-1')).toMatchObject({
      phase: 'ready',
      generation: 1n,
      conditions: [{ object: brX }],
    });
  });

  it.each<[Reason, ConditionState, string]>([
    ['NotApplied', 'waiting', 'accepted'],
    ['OfportPending', 'waiting', 'applied'],
    ['LinkDown', 'failed', 'degraded'],
  ])('with %s (%s) is %s', async (reason, state, phase) => {
    const world = new DeskWorld();
    await world.apply({ bundle: { bridges: [{ name: 'br-x', ports: [{ kind: 'uplink', uplink: 0 }] }] } });
    const port: ObjectRef = { kind: 'port', name: 'found0', bridge: 'br-x' };
    world.saw([condition(brX, 'ready', 'Ready'), condition(port, state, reason)]);
    expect(world.desk.status('fleet-1')?.phase).toBe(phase);
  });

  it('has the ports of its chains, and nothing of others', async () => {
    const world = new DeskWorld({ config: 'bridges: [{name: br-sfc}]' });
    const ports = [0, 1].map((uplink) => ({ kind: 'uplink', uplink }));
    await world.apply({ bundle: { chains: [{ name: 'fw', switches: [{ ports }] }] } });
    world.saw([
      condition({ kind: 'bridge', name: 'br-sfc' }, 'failed', 'LinkDown'),
      condition({ kind: 'chain', name: 'fw', bridge: 'br-sfc' }, 'waiting', 'ChainClosed'),
      condition({ kind: 'chainPort', name: 'fw/1/uplink 0', bridge: 'br-sfc' }, 'ready', 'Ready'),
      condition({ kind: 'chainPort', name: 'fw2/1/uplink 0', bridge: 'br-sfc' }, 'failed', 'LinkDown'),
    ]);
    const status = world.desk.status('fleet-1');
    expect(status?.phase).toBe('applied');
    expect(status?.conditions.map(({ object }) => object.name)).toEqual(['fw', 'fw/1/uplink 0']);
  });

  it('tells listeners of each new look', async () => {
    const world = new DeskWorld();
    let count = 0;
    const stop = world.desk.onChange(() => (count += 1));
    await world.apply({ bundle: bridge });
    world.saw([]);
    expect(count).toBe(2);
    stop();
    world.saw([]);
    expect(count).toBe(2);
  });
});

describe('bundles and a configuration that changes', () => {
  it('leave the configuration what it wants, and say what contradicts it', async () => {
    const world = new DeskWorld();
    await world.apply({ bundle: { bridges: [{ name: 'br-x', failMode: 'secure' }] } });
    expect(world.findings).toEqual([]);
    world.reload('bridges: [{name: br-x, failMode: standalone}]');
    expect(world.findings).toMatchObject([
      { reason: 'IntentContradicted', object: { kind: 'intent', name: 'fleet-1' } },
    ]);
    expect(world.findings[0]?.message).toContain('br-x');
    const ranks = world.desk.intents.intents().bridges.map(({ source }) => source.rank);
    expect(ranks).toEqual([0, 1]);
    world.saw([condition(brX, 'ready', 'Ready')]);
    expect(world.desk.status('fleet-1')?.phase).toBe('degraded');
    world.reload('');
    expect(world.findings).toEqual([]);
  });

  it('keep ports whose bridge is declared no more, and say so', async () => {
    const world = new DeskWorld({ config: 'bridges: [{name: br-a}]' });
    await world.apply({ bundle: { ports: [{ bridge: 'br-a', name: 'i0', kind: 'internal' }] } });
    world.reload('');
    expect(world.findings[0]?.message).toContain('"br-a" is declared neither');
    expect(world.desk.intents.intents().bridges).toEqual([]);
    expect(world.desk.intents.intents().ports).toHaveLength(1);
  });

  it('do not keep one owner from applying because another contradicts the configuration', async () => {
    const world = new DeskWorld();
    await world.apply({ owner: 'a', bundle: bridge });
    world.reload('bridges: [{name: br-x}]');
    expect(await world.apply({ owner: 'b', bundle: { bridges: [{ name: 'br-y' }] } })).toMatchObject({
      kind: 'accepted',
    });
  });

  it('report what the store could not read, until the owner hands in its bundle again', async () => {
    const error = new AgentError('STATE_DAMAGED', 'the stored intents are damaged');
    const world = new DeskWorld({ alarms: [{ owner: 'fleet-1', error }] });
    expect(world.findings).toMatchObject([
      { reason: 'IntentStoreDamaged', object: { kind: 'intent', name: 'fleet-1' } },
    ]);
    await world.apply({ bundle: bridge });
    expect(world.findings).toEqual([]);
  });
});

describe('a controller that is lost', () => {
  const ports = [0, 1].map((uplink) => ({ kind: 'uplink', uplink }));
  const chains = [{ name: 'fw', onControllerLoss: 'close', switches: [{ ports }] }];

  async function world(): Promise<DeskWorld> {
    const made = new DeskWorld({ config: 'bridges: [{name: br-sfc}]' });
    await made.apply({ bundle: { chains } });
    return made;
  }
  const unattended = ({ desk }: DeskWorld): readonly string[] => [...desk.intents.unattended()];

  it('has its whole time after each sign of it, and leaves its chains then', async () => {
    const made = await world();
    made.clock.advance(59_999);
    expect(unattended(made)).toEqual([]);
    await made.apply({ bundle: { chains } });
    made.clock.advance(59_999);
    expect(unattended(made)).toEqual([]);
    made.clock.advance(1);
    expect(unattended(made)).toEqual(['fw']);
  });

  it('has no more time by a request that changes nothing', async () => {
    const made = await world();
    made.clock.advance(60_000);
    expect(unattended(made)).toEqual(['fw']);
    await made.apply({ bundle: { chains }, isDryRun: true });
    expect(unattended(made)).toEqual(['fw']);
  });

  it('is there as long as one of its streams is, and comes back with the next', async () => {
    const made = await world();
    const ends = [made.desk.present('fleet-1'), made.desk.present('fleet-1')];
    ends[0]?.();
    ends[0]?.();
    made.clock.advance(600_000);
    expect(unattended(made)).toEqual([]);
    ends[1]?.();
    made.clock.advance(60_000);
    expect(unattended(made)).toEqual(['fw']);
    made.desk.present('fleet-1');
    expect(unattended(made)).toEqual([]);
  });

  it('is forgotten with its bundle', async () => {
    const made = await world();
    await made.desk.delete('fleet-1', undefined, 'uid:0');
    made.clock.advance(600_000);
    expect(unattended(made)).toEqual([]);
    made.desk.present('nobody')();
    made.clock.advance(600_000);
    expect(unattended(made)).toEqual([]);
  });
});
