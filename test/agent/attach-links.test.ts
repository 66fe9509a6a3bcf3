import { describe, expect, it } from 'vitest';
import { readingMsMax } from '../../src/agent/attach-fresh.js';
import { AttachLinks } from '../../src/agent/attach-links.js';
import type { Clock } from '../../src/lib/clock.js';
import type { LinkChange, NetdevMap } from '../../src/model/netdev.js';
import { vfName, vfOf } from '../fakes/attach-inputs.js';

const [one, two] = [vfName(1), vfName(2)];
const up = (name: string): LinkChange => ({ name, isUp: true });
const down = (name: string): LinkChange => ({ name, isUp: false });
const devicesOf = (...fields: Parameters<typeof vfOf>[1][]): NetdevMap =>
  new Map(fields.map((own, index) => [vfName(index + 1), vfOf(index + 1, own)]));

/** The kernel answers when the test says so. */
class Scene {
  nowMs = 0;
  random = 0;
  readonly batches: (readonly LinkChange[])[] = [];
  readonly looksMs: number[] = [];
  readonly bugs: unknown[] = [];
  #answer: ((refused: ReadonlyMap<string, string>) => void) | undefined;
  readonly links: AttachLinks;

  constructor() {
    const clock: Clock = {
      nowMs: () => this.nowMs,
      wallMs: () => this.nowMs,
      after: () => ({ cancel: () => undefined }),
    };
    this.links = new AttachLinks({
      clock,
      random: () => this.random,
      lookWithin: (delayMs) => this.looksMs.push(delayMs),
      onBug: (error) => this.bugs.push(error),
      links: {
        apply: (changes, signal) => {
          this.batches.push(changes);
          return new Promise((resolve) => {
            this.#answer = resolve;
            signal.addEventListener('abort', () => resolve(new Map()));
          });
        },
      },
    });
  }

  async answer(refused: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#answer?.(new Map(Object.entries(refused)));
    // What follows the answer is a handful of promises.
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }

  isUp(devices: NetdevMap, name = one): boolean | undefined {
    return this.links.observe(devices).get(name)?.isUp;
  }
}

describe('the links of the attachments', () => {
  it('go to the kernel in one batch at a time, and what comes meanwhile in the next', async () => {
    const scene = new Scene();
    scene.isUp(devicesOf({}, {}));
    scene.links.want([up(one)]);
    scene.links.want([up(one), up(two)]);
    expect(scene.batches).toEqual([[up(one)]]);
    await scene.answer();
    expect(scene.batches).toEqual([[up(one)], [up(two)]]);
    expect(scene.looksMs).toContain(0);
  });

  it('are changed back when the wish changes while the kernel is at it', async () => {
    const scene = new Scene();
    scene.isUp(devicesOf({}));
    scene.links.want([up(one)]);
    scene.links.want([down(one)]);
    await scene.answer();
    expect(scene.batches).toEqual([[up(one)], [down(one)]]);
  });

  it('are what the kernel has confirmed, although the devices were read before', async () => {
    const scene = new Scene();
    const devices = devicesOf({ isUp: false, mtu: 1500 });
    expect(scene.isUp(devices)).toBe(false);
    scene.links.want([{ name: one, isUp: true, mtu: 1400 }]);
    expect(scene.isUp(devices)).toBe(false);
    await scene.answer();
    expect(scene.links.observe(devices).get(one)).toMatchObject({ isUp: true, mtu: 1400 });
    // Another reading that began before the change, too.
    expect(scene.isUp(devicesOf({ isUp: false, mtu: 1500, isPromiscuous: true }))).toBe(true);
  });

  it('are what the devices say once a reading has shown the change, or after the longest time of a reading', async () => {
    for (const isShown of [true, false]) {
      const scene = new Scene();
      scene.isUp(devicesOf({}));
      scene.links.want([up(one)]);
      await scene.answer();
      if (isShown) expect(scene.isUp(devicesOf({ isUp: true }))).toBe(true);
      else scene.nowMs += readingMsMax;
      // Somebody has switched it off.
      expect(scene.isUp(devicesOf({ isUp: false }))).toBe(false);
      expect(scene.looksMs).toContain(readingMsMax + 1);
    }
  });

  it('say nothing of another device that has got the name', async () => {
    const scene = new Scene();
    scene.isUp(devicesOf({ ifindex: 7 }));
    scene.links.want([up(one)]);
    await scene.answer();
    expect(scene.isUp(devicesOf({ ifindex: 8 }))).toBe(false);
    scene.links.want([up(one)]);
    scene.isUp(devicesOf({ ifindex: 9 }));
    await scene.answer();
    expect(scene.isUp(devicesOf({ ifindex: 9 }))).toBe(false);
  });

  it('rest when the kernel has refused them, and the refusal is known for longer than the rest', async () => {
    const scene = new Scene();
    const devices = devicesOf({}, {});
    scene.isUp(devices);
    scene.links.want([up(one), up(two)]);
    await scene.answer({ [one]: 'The kernel refused the change.' });
    expect([scene.isUp(devices), scene.isUp(devices, two)]).toEqual([false, true]);
    scene.links.want([up(one)]);
    expect(scene.batches).toHaveLength(1);
    scene.nowMs += 1_000;
    expect(scene.links.refusal(one, true)).toBe('The kernel refused the change.');
    expect(scene.links.refusal(one, false)).toBeUndefined();
    scene.links.want([up(one)]);
    expect(scene.batches).toHaveLength(2);
    await scene.answer();
    expect(scene.links.refusal(one, true)).toBeUndefined();
  });

  it.each([
    [0, [1, 2, 4, 8, 16, 30, 30]],
    [1, [2, 4, 8, 16, 32, 60, 60]],
  ])('rest longer with each refusal of the same change, up to a minute (random %s)', async (random, seconds) => {
    const scene = new Scene();
    scene.random = random;
    const devices = devicesOf({ mtu: 1500 });
    scene.isUp(devices);
    const change = { ...up(one), mtu: 9000 };
    for (const [index, rest] of seconds.entries()) {
      scene.links.want([change]);
      await scene.answer({ [one]: 'Invalid argument' });
      expect([scene.batches.length, scene.links.nextLookMs()]).toEqual([index + 1, rest * 1000]);
      scene.nowMs += rest * 1000 - 1;
      scene.links.want([change]);
      expect(scene.batches).toHaveLength(index + 1);
      scene.nowMs += 1;
    }
  });

  it('are tried at once when the change, the device, or what is read of it is another', async () => {
    const scene = new Scene();
    scene.isUp(devicesOf({ ifindex: 7, mtu: 1500 }));
    const refused = async (change: LinkChange): Promise<number> => {
      scene.links.want([change]);
      await scene.answer({ [one]: 'Invalid argument' });
      return scene.batches.length;
    };
    const change = { ...up(one), mtu: 9000 };
    expect([await refused(change), await refused(change)]).toEqual([1, 1]);
    expect(await refused({ ...up(one), mtu: 8000 })).toBe(2);
    scene.isUp(devicesOf({ ifindex: 8, mtu: 1500 }));
    expect(await refused({ ...up(one), mtu: 8000 })).toBe(3);
    scene.isUp(devicesOf({ ifindex: 8, mtu: 1400 }));
    expect([await refused({ ...up(one), mtu: 8000 }), await refused({ ...up(one), mtu: 8000 })]).toEqual([4, 4]);
  });

  it('are given up at the end, and none is begun after it', async () => {
    const scene = new Scene();
    scene.isUp(devicesOf({}));
    scene.links.want([up(one)]);
    await scene.links.close();
    scene.links.want([down(one)]);
    expect(scene.batches).toHaveLength(1);
    expect(scene.bugs).toEqual([]);
  });
});
