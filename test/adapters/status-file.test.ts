import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StatusFile } from '../../src/adapters/status-file.js';
import type { AgentStatus } from '../../src/agent/status.js';
import type { AgentError } from '../../src/lib/errors.js';

const statusAt = (wallMs: number): AgentStatus => ({ wallMs }) as AgentStatus;

const never = (error: AgentError): never => expect.unreachable(error.message);

describe('the status file', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'status-'))));
  afterEach(() => rm(dir, { recursive: true }));

  const read = async (): Promise<unknown> => JSON.parse(await readFile(join(dir, 'run', 'status.json'), 'utf8'));

  it('makes its directory, shows the newest of many, and leaves no draft behind', async () => {
    const file = new StatusFile(join(dir, 'run'), never);
    for (let wallMs = 1; wallMs <= 50; wallMs += 1) file.show(statusAt(wallMs));
    await file.close();
    expect(await read()).toEqual({ wallMs: 50 });
    expect(await readdir(join(dir, 'run'))).toEqual(['status.json']);
  });

  it('shows what comes at the very moment at which a write ends', async () => {
    const file = new StatusFile(join(dir, 'run'), never);
    for (let wallMs = 1; wallMs <= 30; wallMs += 1) {
      file.show(statusAt(wallMs));
      await file.close();
      file.show(statusAt(1_000 + wallMs));
      await file.close();
      expect(await read()).toEqual({ wallMs: 1_000 + wallMs });
    }
  });

  it('is whole whenever somebody reads it', async () => {
    const file = new StatusFile(join(dir, 'run'), never);
    file.show(statusAt(1));
    await file.close();
    for (let wallMs = 2; wallMs <= 100; wallMs += 1) {
      file.show({ ...statusAt(wallMs), journal: Array.from({ length: 200 }, () => 'x') as never });
      expect(await read()).toHaveProperty('wallMs');
    }
    await file.close();
  });

  it('says that it cannot write, with a remedy, and shows again once it can', async () => {
    const errors: AgentError[] = [];
    await writeFile(join(dir, 'run'), 'in the way');
    const file = new StatusFile(join(dir, 'run'), (error) => errors.push(error));
    file.show(statusAt(1));
    await file.close();
    expect(errors).toMatchObject([{ code: 'STATE_UNWRITABLE' }]);
    expect(errors[0]?.remedy).toContain('agent.runDir');
    await rm(join(dir, 'run'));
    file.show(statusAt(2));
    await file.close();
    expect(await read()).toEqual({ wallMs: 2 });
  });

  it('says once for each reason that it cannot write, and again after it could', async () => {
    const errors: AgentError[] = [];
    const file = new StatusFile(join(dir, 'run'), (error) => errors.push(error));
    const show = async (wallMs: number): Promise<void> => {
      file.show(statusAt(wallMs));
      await file.close();
    };
    await writeFile(join(dir, 'run'), 'in the way');
    for (let wallMs = 1; wallMs <= 5; wallMs += 1) await show(wallMs);
    expect(errors).toHaveLength(1);
    await rm(join(dir, 'run'));
    await show(6);
    await rm(join(dir, 'run'), { recursive: true });
    await writeFile(join(dir, 'run'), 'in the way again');
    await show(7);
    expect(errors).toHaveLength(2);
  });

  it('leaves no draft where it could not replace the file', async () => {
    const errors: AgentError[] = [];
    await mkdir(join(dir, 'run', 'status.json', 'not-empty'), { recursive: true });
    const file = new StatusFile(join(dir, 'run'), (error) => errors.push(error));
    file.show(statusAt(1));
    await file.close();
    expect(errors).toHaveLength(1);
    expect(await readdir(join(dir, 'run'))).toEqual(['status.json']);
  });
});
