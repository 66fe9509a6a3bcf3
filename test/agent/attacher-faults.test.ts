import { describe, expect, it } from 'vitest';
import type { ApplyResult } from '../../src/agent/ports.js';
import type { AttachAction } from '../../src/attach/attach-action.js';
import { podOf, settingsOf, vfName, vfOf, worldOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';
import { netdev } from '../fakes/plan-rows.js';

const vf1 = vfName(1);
const podA = podOf('a', { details: { default: '0/1' } });
const ready = { default: { Status: 'Ready' } };

const refusal = (port: string | undefined): ApplyResult => ({
  kind: 'refused',
  object: port === undefined ? undefined : { kind: 'port', name: port },
  message: 'constraint violation',
  code: 'OVSDB_CONSTRAINT',
});
const conflict = (port?: string): ApplyResult => ({
  kind: 'conflict',
  message: 'a guard did not hold',
  ...(port === undefined ? {} : { object: { kind: 'port', name: port } }),
});

const has = (actions: readonly AttachAction[], port: string): boolean => actions.some((entry) => entry.port === port);

/** Pods p0, p1, … of VF 0, 1, … */
function many(count: number): AttachLoopWorld {
  const netdevs = Array.from({ length: count }, (_, vf) => vfOf(vf));
  const world = new AttachLoopWorld(worldOf({ netdevs }));
  for (let vf = 0; vf < count; vf += 1) world.put(podOf(`p${vf}`, { details: { default: `0/${vf}` } }));
  return world;
}

const sizes = (world: AttachLoopWorld): readonly number[] => world.batches.map((batch) => batch.length);

describe('a refused transaction', () => {
  it('blames the one that the database names, and the others go on', async () => {
    const world = many(8);
    world.answer = (actions) => (has(actions, vf1) ? refusal(vf1) : undefined);
    await world.start();
    expect(sizes(world)).toEqual([8, 7]);
    expect(world.reason('p1')).toBe('TransactionRefused');
    expect(world.outcome.counts).toEqual({ Ready: 7, TransactionRefused: 1 });
    await world.pass(11_000);
    expect(world.status('p1')).toEqual({ default: { Status: 'Error', Reason: 'the virtual switch refused the port' } });
    world.answer = () => undefined;
    await world.pass(60_000);
    expect(world.status('p1')).toEqual(ready);
  });

  it('is made smaller when the database names nobody, until one alone is to blame', async () => {
    const world = many(8);
    world.answer = (actions) => (has(actions, vfName(2)) ? refusal(undefined) : undefined);
    await world.start(500);
    expect(sizes(world).slice(0, 4)).toEqual([8, 4, 2, 4]);
    expect(world.reason('p2')).toBe('TransactionRefused');
    expect(world.outcome.counts).toEqual({ Ready: 7, TransactionRefused: 1 });
  });

  it('is not tried again at full speed', async () => {
    const world = many(1);
    world.answer = () => refusal(vfName(0));
    await world.start(120_000);
    expect(world.batches.length).toBeGreaterThan(3);
    expect(world.batches.length).toBeLessThan(15);
  });
});

describe('a conflict', () => {
  it('of one is tried again with all, for the next look may see what has changed', async () => {
    const world = many(8);
    let count = 0;
    world.answer = () => ((count += 1) === 1 ? conflict(vf1) : undefined);
    await world.start();
    expect(sizes(world)).toEqual([8, 8]);
    expect(world.outcome.counts).toEqual({ Ready: 8 });
  });

  it('of one again and again sets that one aside, and the others go on', async () => {
    const world = many(8);
    world.answer = (actions) => (has(actions, vf1) ? conflict(vf1) : undefined);
    await world.start(400);
    expect(sizes(world).slice(0, 3)).toEqual([8, 8, 7]);
    expect(world.outcome.counts).toMatchObject({ Ready: 7 });
    world.answer = () => undefined;
    await world.pass(60_000);
    expect(world.outcome.counts).toEqual({ Ready: 8 });
  });

  it('of nobody in particular makes the batch smaller, and it grows again', async () => {
    const world = many(32);
    let count = 0;
    world.answer = () => ((count += 1) <= 3 ? conflict() : undefined);
    await world.start(1_000);
    expect(sizes(world)).toEqual([32, 16, 8, 4, 8, 16, 4]);
    expect(world.outcome.counts).toEqual({ Ready: 32 });
    expect(world.journal.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 3 }, () => 'conflict'),
      ...Array.from({ length: 4 }, () => 'applied'),
    ]);
  });

  it('that never passes holds up nobody else, although nobody is named', async () => {
    const world = many(4);
    world.answer = (actions) => (has(actions, vfName(0)) ? conflict() : undefined);
    await world.start(2_000);
    expect(world.outcome.counts).toMatchObject({ Ready: 3 });
  });

  it('is tried again ever more slowly', async () => {
    const world = many(2);
    world.answer = () => conflict();
    await world.start(60_000);
    expect(world.batches.length).toBeLessThan(40);
  });
});

describe('an unknown outcome', () => {
  it('is looked at before anything is tried again: it had been written', async () => {
    const world = many(2);
    world.answer = (actions) => {
      if (world.batches.length > 1) return undefined;
      world.commit(actions);
      return { kind: 'unknown', message: 'the connection was lost' };
    };
    await world.start();
    expect(world.outcome.counts).toEqual({ Ready: 2 });
    expect(world.batches).toHaveLength(1);
  });

  it('is looked at before anything is tried again: it had not been written', async () => {
    const world = many(2);
    world.answer = () => (world.batches.length > 1 ? undefined : { kind: 'unknown', message: 'lost' });
    await world.start();
    expect(world.outcome.counts).toEqual({ Ready: 2 });
  });

  it('of a removal keeps the port from being made before Open vSwitch has seen it go', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.isSwitchAlive = false;
    world.answer = (actions) => {
      if (actions[0]?.kind !== 'detach') return undefined;
      world.commit(actions);
      return { kind: 'unknown', message: 'lost' };
    };
    world.put(podOf('a', { details: { default: '0/1/s2' }, resourceVersion: '50' }));
    await world.pass(1_000);
    expect(world.batches.map(([action]) => action?.kind)).toEqual(['attach', 'detach']);
    world.isSwitchAlive = true;
    world.setRoot({ curCfg: world.observed.root.nextCfg });
    await world.pass(100);
    expect(world.reason('a')).toBe('Ready');
  });
});

describe('a link that the kernel refuses', () => {
  it('is said, is tried again after a rest, and is forgotten when it works', async () => {
    const world = new AttachLoopWorld();
    world.refusedLinks.set(vf1, 'Operation not permitted');
    await world.put(podA).start(500);
    expect(world.reason('a')).toBe('LinkRefused');
    expect(world.outcome.failures).toMatchObject([{ message: 'Operation not permitted' }]);
    const refused = `link ${vf1} up refused`;
    expect(world.take().filter((entry) => entry === refused)).toHaveLength(1);
    await world.pass(12_000);
    const tries = world.take().filter((entry) => entry === refused).length;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(14);
    expect(world.status('a')).toEqual({ default: { Status: 'Error', Reason: 'the link cannot be switched on' } });
    world.refusedLinks.clear();
    await world.pass(12_000);
    expect(world.status('a')).toEqual(ready);
  });

  it('is tried ever more seldom', async () => {
    const world = new AttachLoopWorld();
    world.refusedLinks.set(vf1, 'Invalid argument');
    await world.put(podA).start(120_000);
    world.take();
    const looks = world.outcomes.length;
    await world.pass(600_000);
    expect(world.take().length).toBeLessThanOrEqual(20);
    expect(world.outcomes.length - looks).toBeLessThan(100);
    expect(world.reason('a')).toBe('LinkRefused');
  });

  it('is a finding where it is on, and only its MTU is refused', async () => {
    const world = new AttachLoopWorld(worldOf(), { settings: settingsOf({ mtu: 9000 }) });
    world.setNetdev(vfOf(1, { isUp: true, mtu: 1500 }));
    world.refusedLinks.set(vf1, 'Invalid argument');
    await world.put(podA).start();
    expect(world.reason('a')).toBe('Ready');
    expect(world.outcome.findings).toMatchObject([
      { reason: 'LinkRefused', message: `${vf1} keeps MTU 1500 instead of 9000: Invalid argument` },
    ]);
    world.refusedLinks.clear();
    await world.pass(5_000);
    expect(world.outcome.findings).toEqual([]);
  });

  it('holds up nobody else', async () => {
    const world = many(4);
    world.refusedLinks.set(vf1, 'no');
    await world.start();
    expect(world.outcome.counts).toEqual({ Ready: 3, LinkRefused: 1 });
  });
});

describe('what does not come', () => {
  it('is an Error in time, although nothing happens, and one Event', async () => {
    const world = new AttachLoopWorld();
    world.isSwitchAlive = false;
    await world.put(podA).start();
    world.take();
    await world.pass(109_000);
    expect(world.take()).toEqual([]);
    await world.pass(2_000);
    const said = 'the virtual switch has not opened the port yet';
    expect(world.take()).toEqual([`status a default Error: ${said}`, `event a Warning OfportPending: ${said}`]);
    await world.pass(300_000);
    expect(world.take()).toEqual([]);
  });

  it('is waited for anew with another sandbox', async () => {
    const world = new AttachLoopWorld();
    world.isSwitchAlive = false;
    await world.put(podA).start();
    await world.pass(111_000);
    expect(world.status('a')).toMatchObject({ default: { Status: 'Error' } });
    const { annotations } = world.pods.get('u-a') ?? podA;
    const again = podOf('a', { details: { default: '0/1/s2' }, resourceVersion: '50' });
    world.put({ ...again, annotations: { ...again.annotations, status: annotations.status } });
    await world.pass(1_000);
    expect(world.status('a')).toEqual({});
    await world.pass(108_000);
    expect(world.status('a')).toEqual({});
    await world.pass(3_000);
    expect(world.status('a')).toMatchObject({ default: { Status: 'Error' } });
  });

  it('is borne for a moment by a pod that was ready, and told once it lasts', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    // However long nobody has looked: the loss counts from when it is seen.
    await world.pass(50_000);
    world.take();
    const { ports } = world.observed;
    const port = ports.get(vf1);
    if (port === undefined) throw new Error('the pod has no port');
    const broken = port.interfaces.map((entry) => ({ ...entry, error: 'could not open it', ofport: -1 }));
    world.observed = { ...world.observed, ports: new Map(ports).set(vf1, { ...port, interfaces: broken }) };
    world.notify();
    await world.pass(9_900);
    expect(world.take()).toEqual([]);
    await world.pass(200);
    const said = 'the virtual switch could not open the port';
    expect(world.take()).toEqual([`status a default Error: ${said}`, `event a Warning InterfaceError: ${said}`]);
    world.observed = { ...world.observed, ports };
    world.notify();
    await world.pass(100);
    expect(world.take()).toEqual(['status a default Ready', `event a Normal Attached: attached by ${vf1}`]);
  });

  it('is no news to a pod that was ready when it is the whole switch that is silent, however long', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.take();
    const { liveness } = world.observed;
    const silent = { ...liveness, answering: new Set<string>(), silent: new Set(['br-int']) };
    world.observed = { ...world.observed, liveness: silent };
    world.notify();
    await world.pass(600_000);
    expect(world.outcome.counts).toEqual({ VswitchdSilent: 1 });
    world.observed = { ...world.observed, liveness };
    world.notify();
    await world.pass(100);
    expect(world.outcome.counts).toEqual({ Ready: 1 });
    expect(world.take()).toEqual([]);
  });
});

describe('a status that cannot be written', () => {
  it('is tried again by itself, and holds up nobody else', async () => {
    const world = many(3);
    world.answerStatus = (pod) =>
      pod.name === 'p1'
        ? { kind: 'failed', message: 'throttled', code: 'KUBE_THROTTLED', retryAfterMs: 5_000 }
        : undefined;
    await world.start();
    expect([world.status('p0'), world.status('p1'), world.status('p2')]).toEqual([ready, undefined, ready]);
    expect(world.outcome.statuses).toMatchObject({ written: 2, failed: 1, lastError: 'throttled' });
    world.answerStatus = () => undefined;
    await world.pass(5_000);
    expect(world.status('p1')).toEqual(ready);
  });
});

describe('an address that the function does not have', () => {
  const strange = vfOf(1, { functionMac: '0a:00:00:00:00:09' });
  const require = { settings: settingsOf({ functionMac: 'require' }) };

  it('is read again every two seconds for as long as it is waited for', async () => {
    const world = new AttachLoopWorld(worldOf({ netdevs: [strange] }), require);
    await world.put(podA).start(10_000);
    expect(world.reason('a')).toBe('FunctionMacDiffers');
    expect(world.refreshCount).toBe(5);
    await world.pass(150_000);
    expect(world.refreshCount).toBeLessThanOrEqual(56);
    const count = world.refreshCount;
    await world.pass(60_000);
    expect(world.refreshCount).toBe(count);
  });

  it('is not read again for others, nor where it is only reported', async () => {
    const late = await new AttachLoopWorld(worldOf(), require).put(podA).start(10_000);
    expect(late.reason('a')).toBe('Ready');
    const reported = await new AttachLoopWorld(worldOf({ netdevs: [strange] })).put(podA).start(10_000);
    expect(reported.reason('a')).toBe('Ready');
    expect(reported.outcome.findings).toMatchObject([
      { reason: 'FunctionMacDiffers', object: { kind: 'attachment', name: 'ns/a default' } },
    ]);
    expect([late.refreshCount, reported.refreshCount]).toEqual([0, 0]);
  });

  it('is Ready as soon as it is seen', async () => {
    const world = new AttachLoopWorld(worldOf({ netdevs: [strange] }), require);
    await world.put(podA).start(3_000);
    const read = world.observed.netdevs.get(vf1) ?? netdev(vf1);
    const mac = world.observed.ports.get(vf1)?.interfaces[0]?.externalIds.get('attached_mac');
    world.setNetdev({ ...read, functionMac: mac });
    await world.pass(100);
    expect(world.status('a')).toEqual(ready);
  });
});
