import { describe, expect, it } from 'vitest';
import { PlatformWatch } from '../../src/agent/platform-watch.js';
import { known, unknown } from '../../src/model/fact.js';
import type { MachineSlowReading } from '../../src/offload/readings.js';
import { ManualClock } from '../config/manual-clock.js';

const never = new AbortController().signal;

class World {
  readonly clock = new ManualClock();
  platform: MachineSlowReading['platform'] = known('over');
  reads = 0;
  readonly watch = new PlatformWatch(
    {
      readPlatform: () => {
        this.reads += 1;
        return Promise.resolve(this.platform);
      },
    },
    this.clock,
  );
}

describe('the platform', () => {
  it('is looked at before anybody writes, where nobody has looked', async () => {
    const world = new World();
    expect(world.watch.isSeen).toBe(false);
    expect(await world.watch.isCalm(never)).toBe(true);
    expect([world.watch.isSeen, world.reads]).toEqual([true, 1]);
  });

  it('is not asked again while the last look is fresh', async () => {
    const world = new World();
    world.watch.note({ platform: known('running'), readAtMs: 0 });
    world.clock.advance(5_000);
    expect([await world.watch.isCalm(never), world.reads]).toEqual([false, 0]);
    world.clock.advance(1);
    expect([await world.watch.isCalm(never), world.reads]).toEqual([true, 1]);
  });

  it('stands in nobody’s way where nothing tells what it does', async () => {
    const world = new World();
    world.platform = unknown('no systemd');
    expect(await world.watch.isCalm(never)).toBe(true);
    world.watch.note({ platform: known('absent'), readAtMs: 0 });
    expect(await world.watch.isCalm(never)).toBe(true);
  });
});
