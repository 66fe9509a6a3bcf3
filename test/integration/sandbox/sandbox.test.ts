import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, sandboxFile } from '../agent/build.js';
import { call } from '../agent/call.js';
import { eventually } from '../lab/daemon.js';

const isRoot = process.getuid?.() === 0;
const nobody = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** Command lines of all processes that mention `word`. */
function processesWith(word: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\u0000', ' ');
      } catch {
        return ''; // It ended meanwhile.
      }
    })
    .filter((line) => line.includes(word));
}

/** A private directory for temporary files: what is left in it was left behind. */
function scratch(): { readonly dir: string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'sbx-'));
  chmodSync(dir, 0o777);
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

async function namespacesOf(pid: number): Promise<readonly string[]> {
  const { stdout } = await call(['ip', 'netns', 'list']);
  return stdout.split('\n').filter((line) => line.startsWith(`dpusbx-${pid}-`));
}

describe('the sandbox', () => {
  beforeAll(ensureBuilt);

  it('shows three breakages and their repair without root, and leaves nothing behind', async () => {
    using temporary = scratch();
    const as = isRoot ? nobody : [];
    const env = { TMPDIR: temporary.dir };
    const result = await call([...as, process.execPath, sandboxFile, '--once', '--dummy'], env);
    expect(result.stdout, result.stderr).toContain('3 of 3 repaired');
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('lost without root');
    expect(readdirSync(temporary.dir)).toEqual([]);
    expect(processesWith(temporary.dir)).toEqual([]);
  });

  it.skipIf(!isRoot)('ends on SIGINT in the middle of its life and leaves no process, namespace or file', async () => {
    using temporary = scratch();
    const env = { ...process.env, TMPDIR: temporary.dir };
    const sandbox = spawn(process.execPath, [sandboxFile], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    sandbox.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = once(sandbox, 'exit');
    try {
      await eventually(() => text.includes('Ctrl-C ends the sandbox'), 'the sandbox shows its table', 40_000);
      expect(await namespacesOf(sandbox.pid!)).not.toEqual([]);
    } finally {
      sandbox.kill('SIGINT');
    }
    expect((await ended)[0]).toBe(0);
    expect(await namespacesOf(sandbox.pid!)).toEqual([]);
    expect(readdirSync(temporary.dir)).toEqual([]);
    expect(processesWith(temporary.dir)).toEqual([]);
  });

  it('prints commands for kubectl that work as they are', async () => {
    using temporary = scratch();
    const env = { ...process.env, TMPDIR: temporary.dir };
    const sandbox = spawn(process.execPath, [sandboxFile, '--dummy'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    sandbox.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = once(sandbox, 'exit');
    const kubectl = async (words: string): Promise<string> => {
      const line = text.split('\n').find((entry) => /^ +kubectl /.test(entry) && entry.endsWith(words)) ?? '';
      const result = await call(['sh', '-c', line], { HOME: temporary.dir, PATH: process.env['PATH'] ?? '' });
      expect([result.code, result.stderr], line).toEqual([0, '']);
      return result.stdout;
    };
    try {
      await eventually(() => text.includes('Ctrl-C ends the sandbox'), 'the sandbox shows its table', 40_000);
      expect(await kubectl('get pods')).toMatch(/^web-1 /m);
      expect(await kubectl('delete pod web-1')).toContain('deleted');
      expect(await kubectl('get pods')).not.toMatch(/^web-1 /m);
      await eventually(() => /detach default.web-1/.test(text), 'the agent detaches the pod', 20_000);
    } finally {
      sandbox.kill('SIGINT');
    }
    await ended;
  });

  it.skipIf(!isRoot)('ends on SIGTERM while it is still coming up, and leaves nothing either', async () => {
    using temporary = scratch();
    const env = { ...process.env, TMPDIR: temporary.dir };
    const sandbox = spawn(process.execPath, [sandboxFile, '--once'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    sandbox.stdout.resume();
    const ended = once(sandbox, 'exit');
    try {
      await eventually(async () => (await namespacesOf(sandbox.pid!)).length > 2, 'it makes its namespaces', 20_000);
    } finally {
      sandbox.kill('SIGTERM');
    }
    await ended;
    expect(await namespacesOf(sandbox.pid!)).toEqual([]);
    expect(readdirSync(temporary.dir)).toEqual([]);
    expect(processesWith(temporary.dir)).toEqual([]);
  });

  it('refuses a number of functions that it cannot make', async () => {
    const result = await call([process.execPath, sandboxFile, '--vfs', '1000']);
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('1 to 64')]);
  });
});
