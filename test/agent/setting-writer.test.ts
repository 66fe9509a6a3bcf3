import { describe, expect, it } from 'vitest';
import type { JournalChange } from '../../src/agent/journal.js';
import type { ApplyResult } from '../../src/agent/ports.js';
import { SettingWriter } from '../../src/agent/setting-writer.js';
import type { LiveEdit } from '../../src/offload/setting-verdicts.js';
import { ManualClock } from '../config/manual-clock.js';

const edit: LiveEdit = { key: 'max-idle', from: undefined, to: '20000' };
const signal = new AbortController().signal;

function world(result: ApplyResult = { kind: 'applied', nextCfg: 3 }, isCalm = true) {
  const clock = new ManualClock();
  const written: (readonly LiveEdit[])[] = [];
  const journal: JournalChange[] = [];
  const committed: LiveEdit[] = [];
  const writer = new SettingWriter({
    store: {
      applySettings: (edits) => {
        written.push(edits);
        return Promise.resolve(result);
      },
    },
    clock,
    onJournal: (entry) => journal.push(entry),
    onCommitted: (edits) => committed.push(...edits),
    isCalm: () => Promise.resolve(isCalm),
  });
  return { clock, writer, written, journal, committed };
}

describe('the writer of settings', () => {
  it('writes what is planned, and tells the journal and the record', async () => {
    const at = world();
    expect(await at.writer.write([edit], signal)).toBeUndefined();
    expect(at.written).toEqual([[edit]]);
    expect(at.committed).toEqual([edit]);
    expect(at.journal).toMatchObject([
      {
        summary: 'set max-idle=20000',
        details: ['Open_vSwitch: other_config:max-idle absent → 20000'],
        outcome: 'applied',
      },
    ]);
  });

  it('writes nothing when nothing is planned', async () => {
    const at = world();
    expect(await at.writer.write([], signal)).toBeUndefined();
    expect(at.written).toEqual([]);
    expect(at.journal).toEqual([]);
  });

  it('comes again after a conflict, and claims nothing', async () => {
    const at = world({ kind: 'conflict', message: 'somebody was faster' });
    expect(await at.writer.write([edit], signal)).toBeGreaterThan(0);
    expect(at.committed).toEqual([]);
    expect(at.journal).toMatchObject([{ outcome: 'conflict', message: 'somebody was faster' }]);
  });

  it('is slower and slower with a key that somebody takes back again and again, and not with others', async () => {
    const at = world();
    let writes = 0;
    for (let second = 0; second < 600; second += 1) {
      at.clock.advance(1_000);
      await at.writer.write([edit], signal);
      writes = at.written.length;
    }
    expect(writes).toBeGreaterThan(3);
    expect(writes).toBeLessThan(15);
    await at.writer.write([edit, { key: 'max-revalidator', from: undefined, to: '1000' }], signal);
    expect(at.written.at(-1)?.map(({ key }) => key)).toContain('max-revalidator');
  });

  it('leaves a setting alone that somebody takes back each time, says so, and stops saying so when he stops', async () => {
    const at = world();
    const taken = { ...edit, from: '10000' };
    const pass = async (seconds: number, edits: readonly LiveEdit[]): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        at.clock.advance(1_000);
        await at.writer.write(edits, signal);
      }
    };
    expect(at.writer.findings()).toEqual([]);
    await pass(600, [taken]);
    expect(at.written).toHaveLength(6);
    expect(at.writer.findings()).toMatchObject([
      {
        reason: 'Contested',
        subject: { kind: 'setting', name: 'max-idle' },
        evidence: { declared: '20000', stored: '10000' },
      },
    ]);
    await pass(3_600, [taken]);
    expect(at.written.length).toBeLessThanOrEqual(11);
    expect(at.writer.findings()).toHaveLength(1);
    // Another value is another matter.
    await at.writer.write([{ ...taken, key: 'max-revalidator' }], signal);
    expect(at.written.at(-1)).toMatchObject([{ key: 'max-revalidator' }]);
    await pass(1_000, []);
    expect(at.writer.findings()).toEqual([]);
    await pass(1, [taken]);
    expect(at.written.at(-1)).toEqual([taken]);
  });

  it('writes nothing while the platform sets the card up, and comes again', async () => {
    const at = world(undefined, false);
    expect(await at.writer.write([edit], signal)).toBe(5_000);
    expect(at.written).toEqual([]);
    expect(at.journal).toEqual([]);
  });

  it('escapes what others stored', async () => {
    const at = world();
    await at.writer.write([{ ...edit, from: 'a\u001b[31m' }], signal);
    expect(at.journal[0]?.details[0]).not.toContain('\u001b');
  });
});
