import { closeSync, mkdtempSync, openSync, rmdirSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MountWatch } from '../../src/app/mount-watch.js';
import type { AgentError } from '../../src/lib/errors.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { ManualClock } from '../config/manual-clock.js';

describe('the watch of a mounted directory', () => {
  const clock = new ManualClock();
  const errors: AgentError[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'mount-watch-'));
  let watch: MountWatch | undefined;
  afterEach(() => {
    watch?.stop();
    errors.length = 0;
  });

  const start = (path: string): void => {
    watch = new MountWatch(path, clock, (error) => errors.push(error));
    watch.start();
  };
  /** Lets one look happen. */
  const look = async (): Promise<void> => {
    clock.advance(5_000);
    await eventually(() => Promise.resolve(clock.timerCount === 1 || errors.length > 0), 'it has looked');
  };

  it('goes on while the directory is there, not there yet, or there again', async () => {
    const path = join(dir, 'run');
    start(path);
    await look();
    mkdirSync(path);
    await look();
    rmdirSync(path);
    await look();
    expect(errors).toEqual([]);
  });

  it('tells once that the directory was removed under the mount', async () => {
    const path = join(dir, 'gone');
    mkdirSync(path);
    // Through the descriptor the removed directory can still be looked at, as through a mount.
    const descriptor = openSync(path, 'r');
    try {
      start(`/proc/self/fd/${descriptor}`);
      await look();
      expect(errors).toEqual([]);
      rmdirSync(path);
      await look();
      expect(errors).toMatchObject([{ code: 'NOT_CONNECTED' }]);
      expect(clock.timerCount).toBe(0);
    } finally {
      closeSync(descriptor);
    }
  });

  it('says nothing after it was stopped', async () => {
    const path = join(dir, 'stopped');
    mkdirSync(path);
    const descriptor = openSync(path, 'r');
    rmdirSync(path);
    try {
      start(`/proc/self/fd/${descriptor}`);
      clock.advance(5_000);
      watch?.stop();
      start(dir);
      await look();
      expect(errors).toEqual([]);
    } finally {
      closeSync(descriptor);
    }
  });
});
