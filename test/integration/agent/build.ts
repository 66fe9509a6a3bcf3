/**
 * Builds the agent for tests that run it as the process it is in production: once for each state of the sources, whichever
 * test asks first; the others wait for it. A lock file with the builder's pid keeps two builds apart.
 */

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../../src/lib/errors.js';
import { eventually } from '../lab/daemon.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');
const dist = join(root, 'dist');
const lockFile = join(dist, '.test-build.lock');
const stampFile = join(dist, '.test-build');

/** Entry points of the build. */
export const mainFile = join(dist, 'main.js');
export const dpuctlFile = join(dist, 'cli', 'dpuctl.js');
export const sandboxFile = join(dist, 'sandbox', 'main.js');

/** Changes whenever a source does. */
function sourceStamp(): string {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).sort();
  return files.map((name) => `${name} ${statSync(join(root, 'src', name)).mtimeMs}`).join('\n');
}

function isUpToDate(stamp: string): boolean {
  return existsSync(stampFile) && existsSync(sandboxFile) && readFileSync(stampFile, 'utf8') === stamp;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** True when this process has the lock; the lock of a builder that died is taken away. */
function takeLock(): boolean {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  const holder = existsSync(lockFile) ? Number(readFileSync(lockFile, 'utf8')) : 0;
  if (holder > 0 && !isAlive(holder)) rmSync(lockFile, { force: true });
  return false;
}

/** Makes dist what the sources say. */
export async function ensureBuilt(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const stamp = sourceStamp();
  await eventually(() => isUpToDate(stamp) || takeLock(), 'the build is free', 110_000);
  if (isUpToDate(stamp) && !(existsSync(lockFile) && readFileSync(lockFile, 'utf8') === String(process.pid))) return;
  try {
    // Types are checked elsewhere (npm run check); here only what runs is of interest.
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    if (!isUpToDate(stamp)) {
      await run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--noCheck'], { cwd: root });
      writeFileSync(stampFile, stamp);
    }
  } finally {
    rmSync(lockFile, { force: true });
  }
}
