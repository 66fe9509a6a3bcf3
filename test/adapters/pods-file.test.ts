import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PodsFile, podsFileName, type PodsFileContent } from '../../src/adapters/pods-file.js';
import type { PodFacts } from '../../src/attach/attachment-view.js';
import { systemClock } from '../../src/lib/clock.js';
import type { AgentError } from '../../src/lib/errors.js';
import { ManualClock } from '../config/manual-clock.js';

const contentOf = (wallMs: number, ...names: readonly string[]): PodsFileContent => ({
  wallMs,
  nodeName: 'worker-3',
  pods: names.map((name) => ({ name }) as PodFacts),
});

describe('the file of the pods', () => {
  let dir: string;
  let errors: AgentError[];
  let clock: ManualClock;
  let file: PodsFile;
  const path = (): string => join(dir, 'run', podsFileName);
  const read = async (): Promise<unknown> => JSON.parse(await readFile(path(), 'utf8'));
  const bug = (error: unknown): void => expect.unreachable(String(error));

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pods-'));
    errors = [];
    clock = new ManualClock();
    file = new PodsFile(join(dir, 'run'), clock, (error) => errors.push(error), bug);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('is written after a while, with the newest of many, and no draft is left', async () => {
    const made: number[] = [];
    for (let wallMs = 1; wallMs <= 20; wallMs += 1) {
      file.show(() => {
        made.push(wallMs);
        return contentOf(wallMs, 'a');
      });
    }
    clock.advance(499);
    expect(made).toEqual([]);
    clock.advance(1);
    expect(made).toEqual([20]);
    await vi.waitFor(async () => expect(await read()).toMatchObject({ wallMs: 20, nodeName: 'worker-3' }));
    await file.close();
    expect(await readdir(join(dir, 'run'))).toEqual([podsFileName]);
  });

  it('is not written again for the same pods', async () => {
    file.show(() => contentOf(1, 'a'));
    await file.close();
    const before = await stat(path(), { bigint: true });
    file.show(() => contentOf(2, 'a'));
    await file.close();
    expect((await stat(path(), { bigint: true })).ino).toBe(before.ino);
    expect(await read()).toMatchObject({ wallMs: 1 });
    file.show(() => contentOf(3, 'a', 'b'));
    await file.close();
    expect(await read()).toMatchObject({ wallMs: 3, pods: [{ name: 'a' }, { name: 'b' }] });
  });

  it('shows at the end what was still to be shown', async () => {
    file.show(() => contentOf(1, 'a'));
    await file.close();
    expect(await read()).toMatchObject({ wallMs: 1 });
    expect(clock.timerCount).toBe(0);
  });

  it('says once for each reason that it cannot be written, with a remedy, and shows again once it can', async () => {
    await writeFile(join(dir, 'run'), 'in the way');
    for (const name of ['a', 'b', 'c']) {
      file.show(() => contentOf(1, name));
      await file.close();
    }
    expect(errors).toMatchObject([{ code: 'STATE_UNWRITABLE', facts: { file: path() } }]);
    expect(errors[0]?.remedy).toContain('agent.runDir');
    await rm(join(dir, 'run'));
    file.show(() => contentOf(2, 'd'));
    await file.close();
    expect(await read()).toMatchObject({ wallMs: 2 });
    await rm(join(dir, 'run'), { recursive: true });
    await writeFile(join(dir, 'run'), 'in the way again');
    file.show(() => contentOf(3, 'e'));
    await file.close();
    expect(errors).toHaveLength(2);
  });

  it('is whole whenever somebody reads it', async () => {
    const busy = new PodsFile(join(dir, 'run'), systemClock, (error) => errors.push(error), bug);
    busy.show(() => contentOf(0, 'first'));
    await busy.close();
    for (let wallMs = 1; wallMs <= 50; wallMs += 1) {
      busy.show(() => contentOf(wallMs, ...Array.from({ length: 200 }, (_, index) => `${wallMs}-${index}`)));
      const [, content] = await Promise.all([busy.close(), read()]);
      expect(content).toHaveProperty('pods');
    }
    expect(errors).toEqual([]);
  });
});
