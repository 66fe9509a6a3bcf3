import { describe, expect, it } from 'vitest';
import type { ApplyResult } from '../../src/agent/ports.js';
import type { PodView } from '../../src/model/pod.js';
import { podOf, vfName } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';
import { settleSwitch } from '../fakes/attach-world.js';

const podA = podOf('a', { details: { default: '0/1' } });
const podB = podOf('b', { details: { default: '0/2' } });
const ready = { default: { Status: 'Ready' } };

/** The pod with these details, and the status that it has. */
function changed(world: AttachLoopWorld, details: string, resourceVersion = '50'): PodView {
  const fresh = podOf('a', { details: { default: details }, resourceVersion });
  const { status } = world.pods.get('u-a')?.annotations ?? fresh.annotations;
  return { ...fresh, annotations: { ...fresh.annotations, status } };
}

/** The next transaction hangs until the returned function is called; those after it do not. */
function hang(world: AttachLoopWorld): () => void {
  let release: (answer: ApplyResult | undefined) => void = () => undefined;
  let count = 0;
  world.answer = () => ((count += 1) > 1 ? undefined : new Promise((resolve) => (release = resolve)));
  return () => release(undefined);
}

const statusesOf = (world: AttachLoopWorld): readonly string[] =>
  world.take().filter((entry) => entry.startsWith('status'));

describe('while a transaction hangs, the loop of the attachments', () => {
  it('tells no pod what was seen of its former sandbox', async () => {
    const world = new AttachLoopWorld();
    world.isSwitchAlive = false;
    await world.put(podA).start();
    const release = hang(world);
    // In the look that has b attached, a is ready.
    world.isSwitchAlive = true;
    world.observed = settleSwitch(world.observed);
    world.answerStatus = () => ({ kind: 'failed', message: 'busy', code: 'KUBE_THROTTLED', retryAfterMs: 100 });
    world.put(podB);
    await world.pass(20);
    world.answerStatus = () => undefined;
    world.put(changed(world, '0/3/s2'));
    await world.pass(500);
    expect(world.status('a')).toBeUndefined();
    expect(world.observed.ports.get(vfName(3))).toBeUndefined();
    release();
    await world.pass(100);
    expect(world.status('a')).toEqual(ready);
    expect(world.observed.ports.has(vfName(3))).toBe(true);
  });
});

describe('a status', () => {
  it('that was seen of other details than the pod has by now is not written', async () => {
    const world = new AttachLoopWorld();
    world.isSwitchAlive = false;
    await world.put(podA).start();
    world.take();
    let isFirst = true;
    // The host changes the details while the write is on its way.
    world.answerStatus = () => {
      if (isFirst) world.pods.set('u-a', changed(world, '0/3/s2'));
      isFirst = false;
      return undefined;
    };
    world.isSwitchAlive = true;
    world.observed = settleSwitch(world.observed);
    world.isSwitchAlive = false;
    world.notify();
    await world.pass(300);
    expect(statusesOf(world)[0]).toBe('status a default Ready');
    expect(world.status('a')).toBeUndefined();
  });

  it('that another writer overwrites again and again is written ever more slowly', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    world.take();
    for (let round = 0; round < 1_000; round += 1) {
      const pod = world.pods.get('u-a') ?? podA;
      const { status } = pod.annotations;
      if (typeof status === 'string' && status.includes('Ready')) {
        const annotations = { ...pod.annotations, status: '{"default":{"Status":"Error","Reason":"x"}}' };
        world.put({ ...pod, resourceVersion: `${1_000 + round}`, annotations });
      }
      await world.pass(10);
    }
    const count = statusesOf(world).length;
    expect(count).toBeGreaterThan(2);
    expect(count).toBeLessThan(9);
    await world.pass(40_000);
    expect(world.status('a')).toEqual(ready);
  });
});

describe('the Event of an attachment', () => {
  it('is not told again after a restart of the agent', async () => {
    const world = await new AttachLoopWorld().put(podA).start();
    const again = new AttachLoopWorld(world.observed);
    const { liveness } = again.observed;
    again.observed = { ...again.observed, liveness: { ...liveness, answering: new Set() } };
    await again.put(...world.pods.values()).start();
    again.observed = { ...again.observed, liveness };
    again.notify();
    await again.pass(100);
    expect(again.reason('a')).toBe('Ready');
    expect(again.take()).toEqual([]);
  });
});
