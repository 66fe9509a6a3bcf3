import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IntentFiles } from '../../src/adapters/intent-files.js';
import { diskFs, type IntentFs } from '../../src/adapters/intent-fs.js';
import { formatIntentRecord, parseIntentRecord } from '../../src/adapters/intent-record.js';
import type { IntentAlarm, IntentRecord } from '../../src/agent/intent-ports.js';
import { AgentError } from '../../src/lib/errors.js';
import { makeLabDir, removeLabDir } from '../integration/lab/ovs.js';
import { PowerFs, type Mishap } from '../fakes/power-fs.js';

function record(owner: string, generation: bigint): IntentRecord {
  const bundle = {
    bridges: [{ name: `br-${generation}`, mtu: 1500, adopt: true }],
    ports: [],
    chains: [],
    attachments: [],
  };
  return { owner, generation, acceptedWallMs: 7, actor: 'uid:0', idempotencyKey: 'k', bundle };
}
const first = record('a', 1n);
const second = record('a', 2n);

let dir: string;
let alarms: IntentAlarm[];
beforeEach(async () => {
  dir = await makeLabDir();
  alarms = [];
});
afterEach(async () => removeLabDir(dir));

const store = (stateDir = dir, isReadOnly = false, fs: IntentFs = diskFs): IntentFiles =>
  new IntentFiles({ stateDir, isReadOnly, fs, onAlarm: (alarm) => alarms.push(alarm) });
const path = (name: string): string => join(dir, 'intents', name);
const names = async (): Promise<readonly string[]> => (await readdir(join(dir, 'intents'))).sort();

describe('the files of owners', () => {
  it('give back what was stored, sorted by owner, readable by nobody else', async () => {
    expect(store().load()).toEqual([]);
    const b = record('b.json', 3n);
    await store().save(b);
    await store().save(first);
    await store().save(second);
    expect(store().load()).toEqual([second, b]);
    expect(await names()).toEqual(['a.json', 'a.json.previous', 'b.json.json']);
    expect((await stat(path('a.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'intents'))).mode & 0o777).toBe(0o700);
    expect(alarms).toEqual([]);
  });

  it('are gone for good when the owner is deleted', async () => {
    await store().save(first);
    await store().save(second);
    await store().save(record('b', 1n));
    await store().remove('a');
    await store().remove('never-there');
    expect(store().load()).toEqual([record('b', 1n)]);
    expect(await names()).toEqual(['b.json']);
  });

  it('belong to one process at a time, and tell it what another has stored', async () => {
    const [mine, theirs] = [store(), store()];
    await mine.claim();
    await mine.claim();
    await expect(theirs.claim()).rejects.toThrow('another agent stores intents in the same directory');
    expect(mine.load()).toEqual([]);
    await mine.save(first);
    expect(mine.reload()).toBeUndefined();
    await mine.release();
    await theirs.claim();
    await theirs.save(second);
    await theirs.release();
    expect(mine.reload()).toEqual([second]);
    expect(mine.reload()).toBeUndefined();
  });

  it('of other names are left alone', async () => {
    await store().save(first);
    for (const name of ['README', 'a.json.new', 'A.json', '.json', 'a.json.damaged-1'])
      await writeFile(path(name), 'x');
    await mkdir(path('d.json'));
    await symlink('/etc/passwd', path('link.json'));
    expect(store().load()).toEqual([first]);
    expect(alarms.map(({ owner }) => owner).sort()).toEqual(['d', 'link']);
    await store().save(second);
    await store().remove('a');
    expect(await names()).toEqual(['.json', 'A.json', 'README', 'a.json.damaged-1', 'd.json', 'link.json']);
    expect(await readFile('/etc/passwd', 'utf8')).toContain('root');
  });

  it('that are damaged are set aside and told, and the version before is used', async () => {
    await store().save(first);
    await store().save(second);
    await writeFile(path('a.json'), 'half of a');
    expect(store(dir, true).load()).toEqual([first]);
    expect(await names()).toEqual(['a.json', 'a.json.previous']);
    alarms = [];
    expect(store().load()).toEqual([first]);
    expect(alarms).toMatchObject([{ owner: 'a', error: { code: 'STATE_DAMAGED' } }]);
    expect(alarms[0]?.error.message).toContain('a.json.damaged-1');
    expect(await names()).toEqual(['a.json.damaged-1', 'a.json.previous']);
    await store().save(second);
    expect(store().load()).toEqual([second]);
    await writeFile(path('a.json'), 'again');
    await writeFile(path('a.json.previous'), 'both');
    expect(store().load()).toEqual([]);
    expect(await names()).toEqual(['a.json.damaged-1', 'a.json.damaged-2', 'a.json.previous.damaged-1']);
  });

  it('of another owner, of another version or too large are damaged ones', async () => {
    await store().save(first);
    const bytes = await readFile(path('a.json'));
    await writeFile(path('b.json'), bytes);
    await writeFile(path('c.json'), bytes.toString().replace('intent 1', 'intent 2').replace('"a"', '"c"'));
    await writeFile(path('d.json'), Buffer.alloc(5 * 1024 * 1024));
    expect(store().load()).toEqual([first]);
    expect(alarms.map(({ owner }) => owner)).toEqual(['b', 'c', 'd']);
  });

  it('are refused by a directory that cannot be written, and stay as they were', async () => {
    await writeFile(join(dir, 'file'), '');
    const failing = store(join(dir, 'file'));
    await expect(failing.save(first)).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
    await store().save(first);
    for (const step of ['create', 'write', 'sync', 'rename', 'syncDir'] as const) {
      let count = 0;
      const fail = (): never => {
        throw new Error(`no ${step}`);
      };
      // The second rename is that of the new version.
      const isDue = (name: string): boolean => name === step && (step !== 'rename' || (count += 1) === 2);
      const fs: IntentFs = {
        ...diskFs,
        create: async (name) => {
          if (isDue('create')) fail();
          const file = await diskFs.create(name);
          return {
            ...file,
            write: (bytes) => (isDue('write') ? fail() : file.write(bytes)),
            sync: () => (isDue('sync') ? fail() : file.sync()),
          };
        },
        rename: (from, to) => (isDue('rename') ? fail() : diskFs.rename(from, to)),
        syncDir: (name) => (isDue('syncDir') ? fail() : diskFs.syncDir(name)),
      };
      const error: unknown = await store(dir, false, fs)
        .save(second)
        .catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(AgentError);
      expect(store().load(), step).toEqual([first]);
    }
  });
});

describe('a file that was cut short or has a flipped bit', () => {
  it('is never taken for a record', () => {
    const bytes = Buffer.from(formatIntentRecord(first));
    expect(parseIntentRecord(bytes, 'a')).toEqual(first);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(parseIntentRecord(bytes.subarray(0, length), 'a')).toBeUndefined();
    }
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(parseIntentRecord(flipped, 'a'), `bit ${bit}`).toBeUndefined();
    }
    expect(parseIntentRecord(Buffer.concat([bytes, Buffer.from(' ')]), 'a')).toBeUndefined();
  });

  it('gives way to the version before, with an alarm, wherever the damage is', async () => {
    await store().save(first);
    await store().save(second);
    const bytes = await readFile(path('a.json'));
    const cuts = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length));
    const flips = Array.from({ length: bytes.length }, (_, index) => {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(index) ^ (1 << (index % 8)), index);
      return flipped;
    });
    for (const damaged of [...cuts, ...flips]) {
      alarms = [];
      await writeFile(path('a.json'), damaged);
      expect(store(dir, true).load()).toEqual([first]);
      expect(alarms).toHaveLength(1);
    }
  });
});

describe('a loss of power', () => {
  /** Runs `work` on a disk that has `before`, and loads what each way to lose power at each step leaves. */
  async function outcomes(
    before: readonly IntentRecord[],
    work: (files: IntentFiles) => Promise<void>,
  ): Promise<{ readonly states: readonly (readonly IntentRecord[])[]; readonly stepCount: number }> {
    const states: (readonly IntentRecord[])[] = [];
    const fresh = async (): Promise<PowerFs> => {
      const fs = new PowerFs();
      for (const entry of before) await store('/state', false, fs).save(entry);
      return fs;
    };
    const full = await fresh();
    const startCount = full.stepCount;
    await work(store('/state', false, full));
    const stepCount = full.stepCount - startCount;
    let number = 0;
    for (let step = 0; step <= stepCount; step += 1) {
      const fs = await fresh();
      fs.failAfter(step);
      await work(store('/state', false, fs)).catch(() => undefined);
      for (const mishap of fs.mishaps()) states.push(await loadAfter(fs, mishap, join(dir, `case-${(number += 1)}`)));
    }
    return { states, stepCount };
  }

  async function loadAfter(fs: PowerFs, mishap: Mishap, root: string): Promise<readonly IntentRecord[]> {
    await fs.restore(mishap, root);
    return store(join(root, 'state')).load();
  }

  it('leaves the old version or the new one, whichever write it strikes', async () => {
    const third = record('a', 3n);
    const { states, stepCount } = await outcomes([first, second], (files) => files.save(third));
    expect(stepCount).toBeGreaterThan(5);
    const found = new Set(states.map((state) => state.map(({ generation }) => generation).join()));
    expect(found).toEqual(new Set(['2', '3']));
    expect(alarms).toEqual([]);
  });

  it('leaves nothing or the first version when the first is stored', async () => {
    const { states } = await outcomes([], (files) => files.save(first));
    expect(new Set(states.map((state) => state.length))).toEqual(new Set([0, 1]));
    expect(alarms).toEqual([]);
  });

  it('leaves the newest version or nothing when the owner is deleted, and never the version before', async () => {
    const { states } = await outcomes([first, second], (files) => files.remove('a'));
    const found = new Set(states.map((state) => state.map(({ generation }) => generation).join()));
    expect(found).toEqual(new Set(['2', '']));
  });

  it('takes back nothing that was answered', async () => {
    const fs = new PowerFs();
    const files = store('/state', false, fs);
    let number = 0;
    const check = async (expected: readonly IntentRecord[]): Promise<void> => {
      for (const mishap of fs.mishaps()) {
        expect(await loadAfter(fs, mishap, join(dir, `case-${(number += 1)}`))).toEqual(expected);
      }
    };
    await files.save(first);
    await check([first]);
    await files.save(second);
    await check([second]);
    await files.save(record('b', 1n));
    await files.remove('a');
    await check([record('b', 1n)]);
  });
});
