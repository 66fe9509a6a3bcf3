import { describe, expect, it } from 'vitest';
import type { PodView } from '../../src/model/pod.js';
import { podOf, vfName, vfOf, worldOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';

const vf1 = vfName(1);
const podA = podOf('a', { details: { default: '0/1' } });
const podB = podOf('b', { details: { default: '0/2' } });
const ready = { default: { Status: 'Ready' } };

/** The pod with these details, and the status that it has. */
function changed(world: AttachLoopWorld, details: string): PodView {
  const { annotations, ...pod } = podOf('a', { details: { default: details }, resourceVersion: '50' });
  const { status } = world.pods.get('u-a')?.annotations ?? annotations;
  return { ...pod, annotations: { ...annotations, status } };
}

/** Pod a, attached and told so. */
async function attached(): Promise<AttachLoopWorld> {
  const world = await new AttachLoopWorld().put(podA).start();
  world.take();
  return world;
}

describe('the loop of the attachments', () => {
  it('makes the port, switches it on, and tells the pod on evidence', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    expect(world.take()).toEqual([
      `rows attach ${vf1}`,
      `link ${vf1} up`,
      'status a default Ready',
      `event a Normal Attached: attached by ${vf1}`,
    ]);
    expect(world.status('a')).toEqual(ready);
    expect(world.outcome).toMatchObject({
      mode: 'on',
      podCount: 1,
      counts: { Ready: 1 },
      pendingCount: 0,
      findings: [],
    });
    expect(world.journal).toMatchObject([{ outcome: 'applied', summary: `attach ns/a by ${vf1}` }]);
    expect(world.bugs).toEqual([]);
  });

  it('writes nothing for as long as nothing differs, however often it looks', async () => {
    const world = await attached();
    const looks = world.outcomes.length;
    for (let round = 0; round < 50; round += 1) {
      world.notify();
      await world.pass(10);
    }
    await world.pass(300_000);
    expect(world.outcomes.length).toBeGreaterThanOrEqual(looks + 55);
    expect(world.take()).toEqual([]);
    expect(world.batches).toHaveLength(1);
  });

  it('looks at its own pace while nobody says anything', async () => {
    const world = await attached();
    await world.pass(10_000);
    const looks = world.outcomes.length;
    await world.pass(300_000);
    expect(world.outcomes.length).toBe(looks + 5);
  });

  it('gathers a burst of pods into transactions of bounded size', async () => {
    const count = 300;
    const netdevs = Array.from({ length: count }, (_, vf) => vfOf(vf));
    const world = new AttachLoopWorld(worldOf({ netdevs }));
    for (let vf = 0; vf < count; vf += 1) world.put(podOf(`p${vf}`, { details: { default: `0/${vf}` } }));
    await world.start();
    expect(world.batches.map((batch) => batch.length)).toEqual([256, 44]);
    expect(world.outcome.counts).toEqual({ Ready: count });
    expect([...world.pods.keys()].filter((uid) => world.pods.get(uid)?.annotations.status === undefined)).toEqual([]);
  });

  it('takes the link down before the port, and does not touch those of others', async () => {
    const world = await new AttachLoopWorld().put(podA, podB).start();
    world.take();
    world.remove('u-a');
    await world.pass(50);
    expect(world.take()).toEqual([`link ${vf1} down`, `rows detach ${vf1}`]);
    expect([...world.observed.ports.keys()]).toEqual([vfName(2)]);
    expect(world.observed.netdevs.get(vfName(2))?.isUp).toBe(true);
  });

  it('takes the port out all the same when the kernel refuses to take its link down', async () => {
    const world = await attached();
    world.refusedLinks.set(vf1, 'Operation not permitted');
    world.remove('u-a');
    await world.pass(50);
    expect(world.take()).toEqual([`link ${vf1} down refused`, `rows detach ${vf1}`]);
  });

  it('takes back what was said of a former sandbox before the port is made anew', async () => {
    const world = await attached();
    world.put(changed(world, '0/1/s2'));
    await world.pass(100);
    const done = world.take();
    expect(done.filter((entry) => !entry.startsWith('event'))).toEqual([
      'status a default removed',
      `link ${vf1} down`,
      `rows detach ${vf1}`,
      `rows attach ${vf1}`,
      `link ${vf1} up`,
      'status a default Ready',
    ]);
    expect(world.status('a')).toEqual(ready);
  });

  it('makes a port anew only once Open vSwitch has carried its removal out', async () => {
    const world = await attached();
    world.isSwitchAlive = false;
    world.put(changed(world, '0/1/s2'));
    await world.pass(1_000);
    expect(world.take()).toContain(`rows detach ${vf1}`);
    expect(world.observed.ports.has(vf1)).toBe(false);
    world.isSwitchAlive = true;
    world.setRoot({ curCfg: world.observed.root.nextCfg });
    await world.pass(50);
    expect(world.take()).toContain(`rows attach ${vf1}`);
  });

  it('removes the port of a deleted pod at once, that of a missing one only after a while', async () => {
    const world = await new AttachLoopWorld().put(podA, podB).start();
    world.remove('u-b');
    world.miss('u-a');
    await world.pass(1_000);
    expect([...world.observed.ports.keys()]).toEqual([vf1]);
    await world.pass(28_000);
    expect(world.observed.ports.has(vf1)).toBe(true);
    await world.pass(2_000);
    expect(world.observed.ports.size).toBe(0);
  });

  it('removes nothing for a list that is not current, and counts its time all the same', async () => {
    const world = await attached();
    world.cluster = { kind: 'stale', server: 'https://host', sinceWallMs: 0, message: 'no route', code: undefined };
    world.miss('u-a');
    await world.pass(120_000);
    expect(world.observed.ports.has(vf1)).toBe(true);
    expect(world.outcome.findings).toMatchObject([{ reason: 'ClusterUnavailable', message: 'no route' }]);
    world.cluster = { kind: 'synced', server: 'https://host' };
    world.put(podA);
    await world.pass(50);
    expect(world.observed.ports.has(vf1)).toBe(true);
  });

  it('hands the name of the node on, from the database where the configuration has none', async () => {
    const world = new AttachLoopWorld(worldOf({ rootIds: { 'host-k8s-nodename': 'worker-3' } }));
    world.nodeName = undefined;
    await world.start();
    expect([...world.told.nodeNames, ...world.told.leaseNames]).toEqual(['worker-3', 'worker-3']);
    world.setRoot({ externalIds: new Map([['host-k8s-nodename', 'worker-4']]) });
    await world.pass(50);
    expect([...world.told.leaseNames]).toEqual(['worker-3', 'worker-4']);
  });

  it('names no node to the lease while nobody has said which', async () => {
    const world = new AttachLoopWorld(worldOf({ rootIds: { 'host-k8s-nodename': '' } }));
    world.nodeName = undefined;
    await world.start();
    expect(world.told).toMatchObject({ nodeNames: new Set(), leaseNames: new Set() });
  });

  it('is able to plug only while the bridge answers', async () => {
    const world = await new AttachLoopWorld(worldOf({ answering: [] })).start();
    expect(world.watched).toEqual(['br-int']);
    const { liveness } = world.observed;
    world.observed = { ...world.observed, liveness: { ...liveness, answering: new Set(['br-int']) } };
    world.notify();
    await world.pass(50);
    world.lose();
    await world.pass(50);
    expect(world.watched).toEqual([]);
    world.regain();
    await world.pass(50);
    world.isWriter = false;
    world.notify();
    await world.pass(50);
    expect(world.told.able).toEqual([false, true, false, true, false]);
  });

  it('says what it does not attach and why, and attaches the others', async () => {
    const thief = podOf('z', { details: { default: '0/1' }, createdMs: 5_000 });
    const broken = podOf('q', { details: '[]' });
    const world = await new AttachLoopWorld().put(podA, podB, thief, broken).start();
    expect(world.outcome.counts).toEqual({ Ready: 2, RepresentorClaimedTwice: 1, DetailsInvalid: 1 });
    expect(world.outcome.failures).toMatchObject([
      { label: 'ns/q', reason: 'DetailsInvalid' },
      { label: 'ns/z', reason: 'RepresentorClaimedTwice', device: vf1 },
    ]);
    expect(world.status('z')).toEqual({
      default: { Status: 'Error', Reason: 'the virtual function is in use by another pod' },
    });
    expect(world.status('a')).toEqual(ready);
  });

  it('sees a device that the host takes away and gives back, and attaches the pod again', async () => {
    const world = await attached();
    const netdevs = new Map(world.observed.netdevs);
    netdevs.delete(vf1);
    world.observed = { ...world.observed, netdevs };
    world.notify();
    await world.pass(3_000);
    expect(world.observed.ports.has(vf1)).toBe(false);
    world.setNetdev(vfOf(1, { ifindex: 900 }));
    await world.pass(3_000);
    expect(world.reason('a')).toBe('Ready');
    expect(world.status('a')).toEqual(ready);
  });
});

describe('the end of the loop', () => {
  it('gives up a write that is under way, and does nothing afterwards', async () => {
    const world = new AttachLoopWorld().put(podA);
    world.answer = (_actions, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({ kind: 'unknown', message: 'given up' }));
      });
    await world.start();
    expect(world.batches).toHaveLength(1);
    await world.attacher.close();
    expect(world.journal).toMatchObject([{ outcome: 'unknown' }]);
    const shown = world.outcomes.length;
    world.notify();
    await world.pass(120_000);
    expect(world.outcomes).toHaveLength(shown);
    expect(world.take()).toEqual([]);
    expect(world.bugs).toEqual([]);
  });

  it('gives up a status that is under way', async () => {
    const world = new AttachLoopWorld().put(podA);
    world.answerStatus = (_pod, signal) =>
      new Promise((resolve) => {
        const failed = { kind: 'failed', message: 'given up', code: 'ABORTED', retryAfterMs: undefined } as const;
        signal.addEventListener('abort', () => resolve(failed));
      });
    await world.start();
    expect(world.outcome.statuses.inFlight).toBe(1);
    await world.attacher.close();
    await world.pass(60_000);
    expect(world.take().filter((entry) => entry.startsWith('status'))).toHaveLength(1);
    expect(world.status('a')).toBeUndefined();
  });
});
