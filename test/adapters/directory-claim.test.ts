import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryClaim } from '../../src/adapters/directory-claim.js';

let dir: string;
let claims: DirectoryClaim[];

const make = (): DirectoryClaim => {
  const claim = new DirectoryClaim('test');
  claims.push(claim);
  return claim;
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'claim-'));
  claims = [];
});
afterEach(async () => {
  for (const claim of claims) await claim.release();
  rmSync(dir, { recursive: true, force: true });
});

/** What a process leaves that was killed while it had the claim. */
function leaveDead(): void {
  const path = join(dir, '.test.claim.7');
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(() => execFileSync(process.execPath, ['-e', code], { stdio: 'pipe' })).toThrow();
  expect(statSync(path).isSocket()).toBe(true);
}

describe('the claim to a directory', () => {
  it('is one’s at a time, and goes to the next when it is given back', async () => {
    const [mine, theirs] = [make(), make()];
    expect(await mine.take(dir)).toBe(true);
    expect(await mine.take(dir)).toBe(true);
    expect(await theirs.take(dir)).toBe(false);
    expect([mine.isHeld, theirs.isHeld]).toEqual([true, false]);
    await mine.release();
    expect(await theirs.take(dir)).toBe(true);
  });

  it('is a socket for its owner alone, and leaves nothing else behind', async () => {
    const [mine, theirs] = [make(), make()];
    await mine.take(dir);
    await theirs.take(dir);
    expect(readdirSync(dir)).toEqual(['.test.claim.1']);
    expect(statSync(join(dir, '.test.claim.1')).mode & 0o777).toBe(0o600);
    await mine.release();
    await theirs.take(dir);
    expect(readdirSync(dir)).toEqual(['.test.claim.2']);
  });

  it('of a process that was killed is anybody’s, but of one only, however many come', async () => {
    leaveDead();
    const many = Array.from({ length: 20 }, make);
    const taken = await Promise.all(many.map((claim) => claim.take(dir)));
    expect(taken.filter((isTaken) => isTaken)).toHaveLength(1);
    expect(readdirSync(dir)).toEqual(['.test.claim.8']);
    expect(await make().take(dir)).toBe(false);
  });

  it('is one’s at a time however often it is given back and taken by many at once', async () => {
    leaveDead();
    let holders = 0;
    const seen: number[] = [];
    const worker = async (): Promise<void> => {
      const claim = make();
      for (let round = 0; round < 15; round += 1) {
        if (!(await claim.take(dir))) continue;
        holders += 1;
        seen.push(holders);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(holders);
        holders -= 1;
        await claim.release();
      }
    };
    await Promise.all(Array.from({ length: 12 }, worker));
    expect(seen.length).toBeGreaterThan(2);
    expect(Math.max(...seen)).toBe(1);
  });

  it('stays with a process that is stopped', async () => {
    const path = join(dir, '.test.claim.1');
    const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      child.kill('SIGSTOP');
      expect(await make().take(dir)).toBe(false);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await make().take(dir)).toBe(true);
  });

  it('is not kept from its own by a name that another user was quicker to bind', async () => {
    const { dev, ino } = statSync(dir, { bigint: true });
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen({ path: `\0dpu-node-agent/test/${dev}:${ino}` }, resolve));
    try {
      expect(await make().take(dir)).toBe(true);
    } finally {
      await new Promise((resolve) => squatter.close(resolve));
    }
  });

  it('passes by a directory, a file and a link that bear the name of a claim', async () => {
    mkdirSync(join(dir, '.test.claim.1'));
    writeFileSync(join(dir, '.test.claim.2'), '');
    symlinkSync('/nowhere', join(dir, '.test.claim.3'));
    expect(await make().take(dir)).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(['.test.claim.1', '.test.claim.4']);
    expect(await make().take(dir)).toBe(false);
  });

  it('is refused rather than had by two, where a name of somebody has the last number', async () => {
    const last = `.test.claim.${'9'.repeat(15)}`;
    writeFileSync(join(dir, last), '');
    await expect(make().take(dir)).rejects.toThrow('no number is left');
    expect(readdirSync(dir)).toEqual([last]);
  });

  it('is taken in a directory whose path is longer than that of a socket may be', async () => {
    const deep = join(dir, 'd'.repeat(120));
    execFileSync('mkdir', [deep]);
    expect(await make().take(deep)).toBe(true);
    expect(await make().take(deep)).toBe(false);
  });

  it('fails with the words of the system where there is no directory', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(make().take(join(dir, 'file'))).rejects.toThrow('ENOTDIR');
    await expect(make().take(join(dir, 'none'))).rejects.toThrow('ENOENT');
  });
});
