import { describe, expect, it } from 'vitest';
import { TotalsWatch, type InterfaceTotals } from '../../src/agent/totals-watch.js';
import { ManualClock } from '../config/manual-clock.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const totalsAt = (atMs: number | undefined): InterfaceTotals => ({ atMs, packets: new Map(), mtuDrops: new Map() });

class World {
  readonly clock = new ManualClock();
  readonly counts: (readonly [life: string | undefined, atMs: number])[] = [];
  readonly bugs: unknown[] = [];
  read: () => InterfaceTotals | undefined = () => undefined;
  readonly watch = new TotalsWatch({
    clock: this.clock,
    totals: () => this.read(),
    onCount: (_, life, atMs) => this.counts.push([life, atMs]),
    onBug: (error) => this.bugs.push(error),
  });

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(1_000);
      await turn();
    }
  }
}

describe('what ovs-vswitchd has counted', () => {
  it('is handed on once for each change, and never before it was seen to change', () => {
    const world = new World();
    world.watch.noteLife({ pid: 7, startedMs: 1 });
    for (const atMs of [undefined, 100, 100, 200]) {
      world.read = () => totalsAt(atMs);
      world.watch.look();
    }
    expect(world.counts).toEqual([
      ['7/1', 100],
      ['7/1', 200],
    ]);
  });

  it('has a mark that is another after each count and for each daemon, and none while nobody counts', () => {
    const world = new World();
    world.read = () => totalsAt(100);
    expect(world.watch.mark).toBeUndefined();
    const marks = [100, 200].map((atMs) => {
      world.watch.noteLife({ pid: 7, startedMs: 1 });
      world.read = () => totalsAt(atMs);
      return world.watch.mark;
    });
    world.watch.noteLife({ pid: 8, startedMs: 2 });
    expect(new Set([...marks, world.watch.mark]).size).toBe(3);
    world.read = () => totalsAt(undefined);
    expect(world.watch.mark).toBeDefined();
    world.watch.noteGone();
    expect(world.watch.mark).toBeUndefined();
    world.watch.noteLife({ pid: 8, startedMs: 2 });
    world.read = () => undefined;
    expect(world.watch.mark).toBeUndefined();
  });

  it('is of nobody until a daemon has answered', () => {
    const world = new World();
    world.read = () => totalsAt(100);
    world.watch.look();
    expect(world.counts).toEqual([[undefined, 100]]);
  });

  it('is left out where it is of a daemon that is gone', () => {
    const world = new World();
    world.watch.noteLife({ pid: 7, startedMs: 1 });
    world.read = () => totalsAt(100);
    world.watch.noteGone();
    world.watch.noteLife({ pid: 8, startedMs: 2 });
    world.watch.look();
    world.read = () => totalsAt(300);
    world.watch.look();
    expect(world.counts).toEqual([['8/2', 300]]);
  });

  it('is looked for again and again, also after a look that failed', async () => {
    const world = new World();
    const bug = new Error('a bug');
    world.read = () => {
      throw bug;
    };
    world.watch.start();
    await world.pass(6_000);
    expect(world.bugs).toEqual([bug]);
    world.read = () => totalsAt(world.clock.nowMs());
    await world.pass(12_000);
    expect(world.counts).toHaveLength(2);
    await world.watch.close();
    expect(world.clock.timerCount).toBe(0);
  });
});
