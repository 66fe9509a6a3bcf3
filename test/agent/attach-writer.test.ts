import { describe, expect, it } from 'vitest';
import { AttachWriter } from '../../src/agent/attach-writer.js';
import type { AttachAction } from '../../src/attach/attach-action.js';
import { ManualClock } from '../config/manual-clock.js';

const noEdit = { set: new Map(), setKeys: new Map(), deleteKeys: new Map() };

const repair = (port: string): AttachAction => ({
  kind: 'repair',
  key: `u-${port}|default`,
  port,
  label: `ns/${port}`,
  differences: [],
  rows: { portUuid: 'p', interfaceUuid: 'i', guard: new Map() },
  portEdit: noEdit,
  interfaceEdit: noEdit,
  qos: { kind: 'keep' },
});

/** A database in which no guard holds. */
function contended(): { readonly clock: ManualClock; readonly fail: (port: string) => Promise<ReadonlySet<string>> } {
  const clock = new ManualClock();
  let port = '';
  const writer = new AttachWriter(
    {
      clock,
      random: () => 0.5,
      lookWithin: () => undefined,
      onJournal: () => undefined,
      store: {
        applyAttach: () =>
          Promise.resolve({ kind: 'conflict', message: 'a guard did not hold', object: { kind: 'port', name: port } }),
      },
    },
    { coalesceMs: 2, goneGraceMs: 30_000 },
  );
  const fail = async (name: string): Promise<ReadonlySet<string>> => {
    port = name;
    await writer.apply([repair(name)], { sinceMs: 0, nextCfg: 1 }, new AbortController().signal);
    return new Set([...writer.rounds.quarantined(clock.nowMs()).values()]);
  };
  return { clock, fail };
}

describe('conflicts over one object', () => {
  it('set it aside when they come in a row, even at the longest wait between two tries', async () => {
    const { clock, fail } = contended();
    expect((await fail('a')).size).toBe(0);
    clock.advance(5_000);
    expect((await fail('a')).size).toBe(1);
  });

  it('are forgotten when nobody tries it for a while: the next one is a first one', async () => {
    const { clock, fail } = contended();
    await fail('a');
    clock.advance(60_001);
    expect((await fail('a')).size).toBe(0);
    expect((await fail('a')).size).toBe(1);
  });

  it('say nothing of another object', async () => {
    const { fail } = contended();
    await fail('a');
    expect((await fail('b')).size).toBe(0);
  });
});
