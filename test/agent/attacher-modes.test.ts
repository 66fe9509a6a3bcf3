import { describe, expect, it } from 'vitest';
import type { LeaseState } from '../../src/agent/attach-ports.js';
import type { AttacherOptions } from '../../src/agent/attacher.js';
import { identityOf, podOf, podPort, vfName, vfOf, worldOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';

const vf1 = vfName(1);
const podA = podOf('a', { details: { default: '0/1' } });
const podB = podOf('b', { details: { default: '0/2' } });
const ready = { default: { Status: 'Ready' } };

/** A world in which everything is to be done: to attach, to remove, to limit, to refuse, to tell. */
function eventful(options: Partial<AttacherOptions> = {}): AttachLoopWorld {
  const stale = podPort(vfName(3), identityOf('gone'));
  const world = new AttachLoopWorld(worldOf({ ports: [stale] }), options);
  const thief = podOf('z', { details: { default: '0/1' }, createdMs: 5_000 });
  const forged = podOf('f', { annotations: { status: '{"default":{"Status":"Ready"}}' } });
  const limited = podOf('b', { details: { default: '0/2' }, annotations: { ingressBandwidth: '1M' } });
  world.deleted.add('u-gone');
  return world.put(podA, limited, thief, forged);
}

interface Silence {
  readonly title: string;
  readonly options?: Partial<AttacherOptions>;
  readonly change?: (world: AttachLoopWorld) => void;
  readonly mode: string;
  readonly reason: string;
}

const foreign: LeaseState = { kind: 'foreign', holder: 'ovnkube', seenWallMs: 1 };
const unknown: LeaseState = { kind: 'unknown', message: 'forbidden' };

const silences: readonly Silence[] = [
  { title: 'in mode observe', options: { mode: 'observe' }, mode: 'observe', reason: 'ReadOnly' },
  {
    title: 'while another writer renews the lease',
    change: (world) => (world.lease = foreign),
    mode: 'leaseForeign',
    reason: 'LeaseForeign',
  },
  {
    title: 'while nobody knows who renews the lease',
    change: (world) => (world.lease = unknown),
    mode: 'leaseUnknown',
    reason: 'LeaseUnknown',
  },
  {
    title: 'while another agent of the owner has the lock',
    change: (world) => (world.isWriter = false),
    mode: 'standby',
    reason: 'ReadOnly',
  },
  { title: 'so soon after the start', options: { bootGraceMs: 1_000_000 }, mode: 'bootGrace', reason: 'ReadOnly' },
];

describe('the loop of the attachments writes nothing', () => {
  it.each(silences)('$title', async ({ options, change, mode, reason }) => {
    const world = eventful(options);
    change?.(world);
    await world.start();
    await world.pass(130_000);
    world.remove('u-a');
    const { isWriter } = world;
    world.lose();
    await world.pass(130_000);
    world.regain();
    world.isWriter = isWriter;
    await world.pass(1_000);
    expect(world.take()).toEqual([]);
    expect(world.batches).toEqual([]);
    expect(world.outcome).toMatchObject({ mode, statuses: { written: 0, inFlight: 0 } });
    expect(world.reason('b')).toBe(reason);
    expect(world.outcome.pendingCount).toBeGreaterThan(0);
  });

  it('and would have written much otherwise', async () => {
    const world = await eventful().start();
    const kinds = new Set(world.take().map((entry) => entry.split(' ')[0]));
    expect(kinds).toEqual(new Set(['rows', 'link', 'status', 'event']));
  });
});

describe('the loop of the attachments', () => {
  it('says in mode observe how a port does that another has made', async () => {
    const port = podPort(vf1, identityOf('a'), { owner: undefined });
    const observed = worldOf({ ports: [port], netdevs: [vfOf(1, { isUp: true, isPromiscuous: true, mtu: 1400 })] });
    const world = new AttachLoopWorld(observed, { mode: 'observe' });
    await world.put(podA).start();
    expect(world.reason('a')).toBe('OvnNotInstalled');
    expect(world.told.able).toEqual([false]);
  });

  it('begins as soon as the other writer has stopped', async () => {
    const world = new AttachLoopWorld();
    world.lease = foreign;
    await world.put(podA).start();
    expect(world.outcome.findings).toMatchObject([{ reason: 'LeaseForeign', claimants: ['ovnkube'] }]);
    world.lease = { kind: 'held', renewedWallMs: 1, message: undefined };
    world.notify();
    await world.pass(100);
    expect(world.status('a')).toEqual(ready);
    expect(world.outcome).toMatchObject({ mode: 'on', findings: [] });
  });

  it('looks at its own pace at what it would remove otherwise, and at once when it may', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    const netdevs = new Map([...world.observed.netdevs].filter(([name]) => name !== vf1));
    const standby = new AttachLoopWorld({ ...world.observed, netdevs });
    standby.isWriter = false;
    await standby.put(...world.pods.values()).start(20_000);
    const looks = standby.outcomes.length;
    await standby.pass(600_000);
    expect(standby.outcomes.length - looks).toBeLessThanOrEqual(12);
    expect(standby.take()).toEqual([]);
    standby.isWriter = true;
    standby.notify();
    await standby.pass(2_000);
    expect(standby.take()).toContain(`rows detach ${vf1}`);
  });

  it('needs no lease where there is none', async () => {
    const world = new AttachLoopWorld();
    world.lease = { kind: 'disabled' };
    await world.put(podA).start();
    expect(world.status('a')).toEqual(ready);
  });

  it('begins by itself when the time after the start is over', async () => {
    const world = new AttachLoopWorld(worldOf(), { bootGraceMs: 5_000 });
    await world.put(podA).start();
    expect(world.status('a')).toBeUndefined();
    await world.pass(4_900);
    expect(world.status('a')).toEqual(ready);
  });

  it('takes over when the other agent of the owner is gone', async () => {
    const world = new AttachLoopWorld();
    world.isWriter = false;
    await world.put(podA).start();
    world.isWriter = true;
    world.notify();
    await world.pass(100);
    expect(world.status('a')).toEqual(ready);
  });
});

describe('while the database is away, the loop of the attachments', () => {
  it('keeps what it said, and goes on where it was', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.take();
    world.lose();
    await world.pass(600_000);
    expect(world.outcome.mode).toBe('blind');
    expect(world.reason('a')).toBe('OvsdbUnavailable');
    world.regain();
    await world.pass(1_000);
    expect(world.reason('a')).toBe('Ready');
    expect(world.take()).toEqual([]);
  });

  it('fails a pod that comes meanwhile, when it has waited long enough, and attaches it later', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.lose();
    world.put(podB);
    await world.pass(100_000);
    expect(world.status('b')).toBeUndefined();
    await world.pass(11_000);
    expect(world.status('b')).toEqual({
      default: { Status: 'Error', Reason: 'the virtual switch cannot be reached' },
    });
    expect(world.status('a')).toEqual(ready);
    world.take();
    world.regain();
    await world.pass(1_000);
    expect(world.take()).toEqual([
      `rows attach ${vfName(2)}`,
      `link ${vfName(2)} up`,
      'status b default Ready',
      `event b Normal Attached: attached by ${vfName(2)}`,
    ]);
  });

  it('fails it too when the agent was started meanwhile', async () => {
    const world = new AttachLoopWorld();
    world.lose();
    await world.put(podB).start();
    await world.pass(111_000);
    expect(world.status('b')).toMatchObject({ default: { Status: 'Error' } });
  });

  it('leaves it to the one that had the lock', async () => {
    const world = new AttachLoopWorld();
    world.isWriter = false;
    await world.start();
    world.lose();
    world.put(podB);
    await world.pass(130_000);
    expect(world.take()).toEqual([]);
  });

  it('takes no Ready back that a former process wrote', async () => {
    const told = podOf('a', { details: { default: '0/1' }, annotations: { status: '{"default":{"Status":"Ready"}}' } });
    const world = new AttachLoopWorld();
    world.lose();
    await world.put(told).start();
    await world.pass(130_000);
    expect(world.take()).toEqual([]);
    world.regain();
    await world.pass(1_000);
    expect(world.take()).toEqual([`rows attach ${vf1}`, `link ${vf1} up`]);
  });

  it('takes back a Ready of a former process that proves to be wrong', async () => {
    const told = podOf('a', { details: { default: '0/1' }, annotations: { status: '{"default":{"Status":"Ready"}}' } });
    const world = new AttachLoopWorld(worldOf({ netdevs: [vfOf(2)] }));
    world.lose();
    await world.put(told).start();
    world.regain();
    await world.pass(9_000);
    expect(world.status('a')).toEqual(ready);
    await world.pass(3_000);
    expect(world.take()).toEqual(['status a default removed']);
  });

  it('takes back what it said of a sandbox that is no more', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.take();
    world.lose();
    const { annotations } = world.pods.get('u-a') ?? podA;
    const again = podOf('a', { details: { default: '0/2/s2' }, resourceVersion: '40' });
    world.put({ ...again, annotations: { ...again.annotations, status: annotations.status } });
    await world.pass(1_000);
    expect(world.take()).toEqual(['status a default removed']);
    world.regain();
    await world.pass(1_000);
    expect(world.status('a')).toEqual(ready);
    expect([...world.observed.ports.keys()]).toEqual([vfName(2)]);
  });

  it('takes back what it said of details that were taken back', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.take();
    world.lose();
    const { annotations } = world.pods.get('u-a') ?? podA;
    world.put({ ...podA, annotations: { ...annotations, details: undefined }, resourceVersion: '41' });
    await world.pass(1_000);
    expect(world.take()).toEqual(['status a default removed']);
  });

  it('does not count that time when the rows are gone on its return', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.lose();
    await world.pass(60_000);
    world.observed = { ...world.observed, ports: new Map() };
    world.isSwitchAlive = false;
    world.regain();
    await world.pass(9_000);
    expect(world.reason('a')).toBe('OfportPending');
    expect(world.status('a')).toEqual(ready);
    await world.pass(2_000);
    expect(world.status('a')).toMatchObject({ default: { Status: 'Error' } });
  });

  it('is as blind without the devices of the machine, and says so', async () => {
    const world = new AttachLoopWorld();
    world.hasDevices = false;
    await world.put(podA).start();
    expect(world.reason('a')).toBe('NetdevsUnknown');
    expect(world.outcome.mode).toBe('blind');
    await world.pass(111_000);
    expect(world.status('a')).toMatchObject({ default: { Status: 'Error' } });
  });

  it('tells nobody anything before the pods have been listed', async () => {
    const world = new AttachLoopWorld();
    world.isListed = false;
    world.cluster = { kind: 'connecting', server: 'https://host', message: 'no route', code: undefined };
    await world.put(podA).start();
    expect(world.outcome).toMatchObject({ podCount: 0, counts: {} });
    expect(world.take()).toEqual([]);
  });
});
