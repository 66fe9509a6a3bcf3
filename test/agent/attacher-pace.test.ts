import { describe, expect, it } from 'vitest';
import { podOf, vfName, vfOf, worldOf } from '../fakes/attach-inputs.js';
import { AttachLoopWorld } from '../fakes/attach-loop-world.js';

const vf1 = vfName(1);
type Parts = NonNullable<Parameters<typeof podOf>[1]>;

/** Another reading of the pod, with the status that it has. */
function reread(world: AttachLoopWorld, parts: Parts, name = 'a'): void {
  const { annotations, resourceVersion } = world.pods.get(`u-${name}`) ?? podOf(name);
  const own = { ...parts.annotations, status: annotations.status };
  world.put(podOf(name, { ...parts, annotations: own, resourceVersion: String(Number(resourceVersion) + 1) }));
}

/** The pod is changed twenty times a second for so long. */
async function churn(world: AttachLoopWorld, ms: number, parts: (turn: number) => Parts): Promise<void> {
  for (let turn = 1; turn <= ms / 50; turn += 1) {
    reread(world, parts(turn));
    await world.pass(50);
  }
}

const sandbox = (turn: number): Parts => ({ details: { default: `0/1/s${turn}` } });
const limit = (turn: number): Parts => ({
  details: { default: '0/1' },
  annotations: { egressBandwidth: `${turn + 1}M` },
});
const toggled = (turn: number): Parts => (turn % 2 === 0 ? { details: { default: '0/1' } } : {});

const started = (): Promise<AttachLoopWorld> =>
  new AttachLoopWorld().put(podOf('a', { details: { default: '0/1' } })).start();

describe('a pod that asks for change after change', () => {
  it.each([
    ['its sandbox', sandbox],
    ['its limit', limit],
    ['whether it has details at all', toggled],
  ])('gets a bounded number of transactions for %s, and its last wish in the end', async (_what, parts) => {
    const world = await started();
    await churn(world, 60_000, parts);
    // Five at once, and after 1, 2, 4, 8, 16 and 30 s: each is made and taken out once.
    expect(world.batches.length).toBeLessThanOrEqual(24);
    reread(world, { details: { default: '0/1/last' }, annotations: { egressBandwidth: '7M' } });
    await world.pass(31_000);
    expect(world.status('a')).toEqual({ default: { Status: 'Ready' } });
    const row = world.observed.ports.get(vf1)?.interfaces[0];
    expect([row?.externalIds.get('sandbox'), row?.policingRate]).toEqual(['last', 7_000]);
    expect(world.bugs).toEqual([]);
  });

  it('is told why, and looked at no more often for it once it is quiet', async () => {
    const world = await started();
    await churn(world, 10_000, sandbox);
    expect(world.reason('a')).toBe('Restless');
    expect(world.observed.ports.has(vf1)).toBe(false);
    expect(world.outcome.findings).toMatchObject([
      { reason: 'Restless', object: { kind: 'attachment', name: 'ns/a' } },
    ]);
    const looks = world.outcomes.length;
    await world.pass(30_000);
    expect(world.outcomes.length - looks).toBeLessThan(15);
    expect([world.reason('a'), world.outcome.findings]).toEqual(['Ready', []]);
  });

  it('stays Ready while its repairs wait, which is said all the same', async () => {
    const world = await started();
    await churn(world, 10_000, limit);
    expect(world.reason('a')).toBe('Ready');
    expect(world.outcome.findings).toMatchObject([{ reason: 'Restless' }]);
    expect(world.status('a')).toEqual({ default: { Status: 'Ready' } });
  });

  it('takes nothing from the others', async () => {
    const world = await started();
    await churn(world, 5_000, sandbox);
    world.put(podOf('b', { details: { default: '0/2' } }));
    await world.pass(50);
    expect(world.reason('b')).toBe('Ready');
  });

  it('is let go at once when it is deleted or releases the function', async () => {
    for (const isDeleted of [true, false]) {
      const world = await started();
      await churn(world, 10_000, limit);
      if (isDeleted) world.remove('u-a');
      else reread(world, {});
      await world.pass(50);
      expect(world.observed.ports.size).toBe(0);
    }
  });
});

describe('pods that live as pods do', () => {
  it('are never slowed by a new sandbox now and then', async () => {
    const world = await started();
    for (let turn = 1; turn <= 10; turn += 1) {
      reread(world, sandbox(turn));
      await world.pass(200);
      expect([turn, world.reason('a')]).toEqual([turn, 'Ready']);
      await world.pass(45_000);
    }
  });

  it('are never slowed by the first sandboxes that fail one after the other', async () => {
    const world = await started();
    for (let turn = 1; turn <= 4; turn += 1) {
      reread(world, sandbox(turn));
      await world.pass(200);
      expect([turn, world.reason('a')]).toEqual([turn, 'Ready']);
    }
  });

  it('are never slowed by a reboot of their host, all 200 of them', async () => {
    const count = 200;
    const netdevs = Array.from({ length: count }, (_, vf) => vfOf(vf));
    const world = new AttachLoopWorld(worldOf({ netdevs }));
    const names = Array.from({ length: count }, (_, vf) => `p${vf}`);
    for (const [vf, name] of names.entries()) world.put(podOf(name, { details: { default: `0/${vf}` } }));
    await world.start();
    for (let reboot = 1; reboot <= 3; reboot += 1) {
      for (const [vf, name] of names.entries()) reread(world, { details: { default: `0/${vf}/r${reboot}` } }, name);
      await world.pass(500);
      expect(world.outcome.counts).toEqual({ Ready: count });
    }
  });
});
