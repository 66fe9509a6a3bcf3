import { describe, expect, it } from 'vitest';
import { IntentAudit } from '../../src/agent/intent-audit.js';
import type { JournalChange } from '../../src/agent/journal.js';
import { ManualClock } from '../config/manual-clock.js';

function world() {
  const clock = new ManualClock();
  const notes: JournalChange[] = [];
  const audit = new IntentAudit({ clock, note: (change) => notes.push(change) });
  const refuse = (actor: string, generation: number): void =>
    audit.refused(actor, `apply intents of fleet, generation ${generation}`, [], 'an older one', clock.nowMs());
  return { clock, notes, audit, refuse };
}

describe('the audit of intents', () => {
  it('records a refusal that is repeated once, whatever number the process has', () => {
    const { notes, refuse } = world();
    refuse('uid 0 (pid 1)', 1);
    refuse('uid 0 (pid 2)', 1);
    refuse('uid 7 (pid 3)', 1);
    expect(notes.map(({ actor }) => actor)).toEqual(['uid 0 (pid 1)', 'uid 7 (pid 3)']);
  });

  it('records a few refusals of a caller a minute, and tells how many were left out', () => {
    const { clock, notes, refuse } = world();
    for (let generation = 1; generation <= 1_000; generation += 1) refuse('cn:broken', generation);
    expect(notes).toHaveLength(5);
    refuse('cn:other', 1);
    expect(notes).toHaveLength(6);
    clock.advance(60_000);
    refuse('cn:broken', 2_000);
    expect(notes.at(-1)?.details).toEqual(['995 more refused requests of this caller are not recorded']);
  });

  it('begins anew with a caller that was taken', () => {
    const { notes, audit, refuse } = world();
    for (let generation = 1; generation <= 9; generation += 1) refuse('cn:a', generation);
    audit.accepted('cn:a', 'apply', [], 0);
    refuse('cn:a', 9);
    expect(notes.map(({ outcome }) => outcome)).toEqual([...Array<string>(5).fill('refused'), 'applied', 'refused']);
  });
});
