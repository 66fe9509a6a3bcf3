import { describe, expect, it } from 'vitest';
import { isOlderVersion } from '../../src/agent/newest-readings.js';
import type { PodView } from '../../src/model/pod.js';
import { podOf, vfName } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';

const vf1 = vfName(1);

/** Pod a as some version of it was; it keeps the status that it has. */
function reading(world: AttachLoopWorld, resourceVersion: string, details?: string): PodView {
  const { annotations, ...pod } = podOf('a', { resourceVersion, details: { default: details ?? '0/1' } });
  const status = world.pods.get('u-a')?.annotations.status;
  const texts = { ...annotations, status, ...(details === undefined ? { details: undefined } : {}) };
  return { ...pod, annotations: texts };
}

/** Pod a, attached, with version 100 of it read last. */
async function attached(): Promise<AttachLoopWorld> {
  const world = await new AttachLoopWorld()
    .put(podOf('a', { details: { default: '0/1' }, resourceVersion: '100' }))
    .start();
  world.take();
  return world;
}

describe('an older reading of a pod', () => {
  it.each([
    ['without details', undefined],
    ['with those of a former sandbox', '0/1/s0'],
    ['with those of another function', '0/2'],
  ])('%s takes nothing away while a newer one may come', async (_what, details) => {
    const world = await attached();
    world.put(reading(world, '99', details));
    await world.pass(20_000);
    world.put(reading(world, '200', '0/1'));
    await world.pass(60_000);
    expect([world.take(), world.reason('a'), world.bugs]).toEqual([[], 'Ready', []]);
  });

  it('is believed once it has stayed for as long as a missing pod keeps its port', async () => {
    const world = await attached();
    world.put(reading(world, '99'));
    await world.pass(29_000);
    expect(world.observed.ports.has(vf1)).toBe(true);
    await world.pass(3_000);
    expect(world.observed.ports.has(vf1)).toBe(false);
  });

  it('is not believed while the server cannot be reached', async () => {
    const world = await attached();
    world.cluster = { kind: 'stale', server: 'https://host', sinceWallMs: 0, message: 'no route', code: undefined };
    world.put(reading(world, '99'));
    await world.pass(120_000);
    expect(world.observed.ports.has(vf1)).toBe(true);
  });

  it('is known as older after the pod was missing for a moment', async () => {
    const world = await attached();
    const before = reading(world, '99');
    world.miss('u-a');
    await world.pass(1_000);
    world.put(before);
    await world.pass(20_000);
    expect(world.observed.ports.has(vf1)).toBe(true);
  });

  it('takes a newer one at its word at once', async () => {
    const world = await attached();
    world.put(reading(world, '300'));
    await world.pass(50);
    expect(world.observed.ports.has(vf1)).toBe(false);
  });
});

describe('versions', () => {
  it.each([
    ['99', '100', true],
    ['100', '99', false],
    ['7', '7', false],
    ['1', '2', true],
    ['x1', '2', false],
    ['', '2', false],
    ['01', '2', false],
  ])('%s is older than %s: %s', (a, b, isOlder) => {
    expect(isOlderVersion(a, b)).toBe(isOlder);
  });
});
