import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChainStateFile } from '../../src/adapters/chain-state-file.js';
import { allocateChainIds, noChainIds } from '../../src/chain/chain-id.js';
import type { ChainState } from '../../src/chain/chain-state.js';
import type { AgentError } from '../../src/lib/errors.js';
import { chainIntent, chainPort, chainSwitch, tagged } from '../fakes/chain-world.js';
import { makeLabDir, removeLabDir } from '../integration/lab/ovs.js';

const wire = chainIntent('wire', [
  chainSwitch('a', chainPort('b', { vlan: tagged(7), pinnedMacs: ['02:00:00:00:00:01'] })),
]);
const lan = chainIntent('lan', [chainSwitch('c', 'd', 'e')], { mtu: 9000, tenant: 'red' });

/** `lan` was there before and is gone. */
const state: ChainState = {
  ids: allocateChainIds(allocateChainIds(noChainIds, ['wire', 'lan']), ['wire']),
  accepted: new Map([['wire', wire]]),
};
const both: ChainState = {
  ids: allocateChainIds(state.ids, ['wire', 'lan']),
  accepted: new Map([
    ['wire', wire],
    ['lan', lan],
  ]),
};

let dir: string;
let troubles: AgentError[];
let file: ChainStateFile;

beforeEach(async () => {
  dir = await makeLabDir();
  troubles = [];
  file = new ChainStateFile(join(dir, 'state'), (error) => troubles.push(error));
});
afterEach(async () => removeLabDir(dir));

const path = (): string => join(dir, 'state', 'chains.json');

describe('the file of the chains in force', () => {
  it('is empty at first, without trouble, and gives back what was saved', async () => {
    expect(file.load()).toEqual({ ids: noChainIds, accepted: new Map() });
    await file.save(state);
    expect(file.load()).toEqual(state);
    await file.save(both);
    expect(new ChainStateFile(join(dir, 'state'), () => undefined).load()).toEqual(both);
    expect(troubles).toEqual([]);
    expect(await readdir(join(dir, 'state'))).toEqual(['chains.json']);
  });

  it('is for its owner alone, and neither follows a link nor waits for a pipe that lies in its place', async () => {
    await file.save(state);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    await rename(path(), join(dir, 'elsewhere'));
    await symlink(join(dir, 'elsewhere'), path());
    expect(file.load()).toEqual({ ids: noChainIds, accepted: new Map() });
    await writeFile(join(dir, 'victim'), 'mine');
    await symlink(join(dir, 'victim'), `${path()}.new`);
    await expect(file.save(state)).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
    expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('mine');
    await unlink(path());
    execFileSync('mkfifo', [path()]);
    expect(file.load()).toEqual({ ids: noChainIds, accepted: new Map() });
    expect(troubles.map(({ code }) => code)).toEqual(['STATE_UNWRITABLE', 'STATE_UNWRITABLE']);
  });

  it('remembers the lives of chains that are gone, so that their cookies are never used again', async () => {
    await file.save(state);
    const lives = [...file.load().ids.retired.values()];
    expect(lives).toEqual([1]);
    expect(allocateChainIds(file.load().ids, ['wire', 'lan']).chains.get('lan')?.generation).toBe(2);
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, -20)],
    ['empty', () => ''],
    ['without its first line', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['with one character changed', (text: string) => text.replace('wire', 'wirf')],
    ['of zeros, as after a loss of power', (text: string) => '\0'.repeat(text.length)],
  ])('is set aside and reported when it is %s', async (_what, damage) => {
    await file.save(both);
    await writeFile(path(), damage(await readFile(path(), 'utf8')));
    expect(file.load().accepted.size).toBe(0);
    expect(troubles.map(({ code }) => code)).toEqual(['STATE_UNWRITABLE']);
    expect(existsSync(path())).toBe(false);
    expect(existsSync(`${path()}.damaged`)).toBe(true);
    await file.save(both);
    expect(file.load()).toEqual(both);
  });

  it('keeps the earlier state when the agent died while it wrote the next', async () => {
    await file.save(state);
    await writeFile(`${path()}.new`, 'half of');
    expect(file.load()).toEqual(state);
    await file.save(both);
    expect(file.load()).toEqual(both);
  });

  it('says which file cannot be written, and what to do', async () => {
    await writeFile(join(dir, 'state'), 'not a directory');
    await expect(file.save(state)).rejects.toMatchObject({ code: 'STATE_UNWRITABLE', facts: { file: path() } });
    await expect(file.save(state)).rejects.toHaveProperty('remedy', expect.stringContaining('agent.stateDir'));
  });

  it('reports a file that is there and cannot be read', async () => {
    await mkdir(path(), { recursive: true });
    expect(file.load().accepted.size).toBe(0);
    expect(troubles.map(({ message }) => message)).toEqual(['the state of the chains cannot be read']);
  });
});
