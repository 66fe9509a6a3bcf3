import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { LookupAddress } from 'node:dns';
import { lookup as lookupByNode } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostLookup } from '../../src/lib/host-lookup.js';
import { eventually } from '../integration/lab/daemon.js';

let dir: string;
let names: HostLookup[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'names-'));
  names = [];
});
afterEach(() => {
  for (const one of names) one.close();
  rmSync(dir, { recursive: true, force: true });
});

function make(file?: string): HostLookup {
  const made = new HostLookup(file);
  names.push(made);
  return made;
}

/** A program in the place of getent(1). */
function program(script: string): string {
  const file = join(dir, 'getent');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

interface Found {
  readonly code: string | undefined;
  readonly address: string | readonly LookupAddress[];
  readonly family: number | undefined;
}

const ask = ({ lookup }: HostLookup, host: string, options: { all?: boolean; family?: 4 | 6 } = {}): Promise<Found> =>
  new Promise((resolve) =>
    lookup(host, options, (error, address, family) => resolve({ code: error?.code, address, family })),
  );

const twoAddresses = `echo "192.0.2.1  STREAM $3"; echo "192.0.2.1  DGRAM"; echo "2001:db8::1  STREAM"; echo "no address"`;

describe('the addresses of a name', () => {
  it('are those that Node.js finds', async () => {
    const address = await lookupByNode('localhost', { all: true, hints: 0 });
    const found = await ask(make(), 'localhost', { all: true });
    expect(found.code).toBeUndefined();
    expect(address.map((entry) => entry.address)).toEqual(
      expect.arrayContaining((found.address as readonly LookupAddress[]).map((entry) => entry.address)),
    );
  });

  it('come each once and in their order, all or the first, of any family or of one', async () => {
    const one = make(program(twoAddresses));
    const both = [
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ];
    expect((await ask(one, 'a.example', { all: true })).address).toEqual(both);
    expect(await ask(one, 'a.example')).toEqual({ code: undefined, ...both[0] });
    expect(await ask(one, 'a.example', { family: 6 })).toEqual({ code: undefined, ...both[1] });
  });

  it('are none where there are none, and that is an error as of Node.js', async () => {
    expect((await ask(make(), 'name.invalid')).code).toBe('ENOTFOUND');
    expect((await ask(make(program('echo 192.0.2.1 STREAM')), 'a.example', { family: 6 })).code).toBe('ENOTFOUND');
    expect((await ask(make(program('kill -9 $$')), 'a.example')).code).toBe('EAI_AGAIN');
  });

  it('are asked for by name only: no name is an option or ends the process', async () => {
    const file = program(`printf '%s\\n' "$@" >${join(dir, 'asked')}; echo 192.0.2.1 STREAM`);
    await ask(make(file), '--help');
    expect(readFileSync(join(dir, 'asked'), 'utf8')).toBe('ahosts\n--\n--help\n');
    expect((await ask(make(), 'a\0b')).code).toBe('ENOTFOUND');
  });

  it('are looked up by Node.js where there is no such program', async () => {
    const found = await ask(make(join(dir, 'none')), 'localhost');
    expect(['127.0.0.1', '::1']).toContain(found.address);
  });

  it('are asked for once by many at a time', async () => {
    const one = make(program(`echo asked >>${join(dir, 'count')}; ${twoAddresses}`));
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(one, 'a.example')));
    expect(all.map(({ address }) => address)).toEqual(Array.from({ length: 20 }, () => '192.0.2.1'));
    expect(readFileSync(join(dir, 'count'), 'utf8')).toBe('asked\n');
  });

  it('are given up at once, with the process that asked, when nobody wants them any longer', async () => {
    const pidFile = join(dir, 'pid');
    const one = make(program(`echo $$ >${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 1000`));
    const waiting = [ask(one, 'a.example'), ask(one, 'a.example')];
    await eventually(() => existsSync(pidFile), 'it asks');
    const pid = readFileSync(pidFile, 'utf8').trim();
    one.close();
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(['ECANCELLED', 'ECANCELLED']);
    expect(() => execFileSync('kill', ['-0', pid], { stdio: 'pipe' })).toThrow();
    expect((await ask(one, 'a.example')).code).toBe('ECANCELLED');
  });
});
