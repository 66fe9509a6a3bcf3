import { describe, expect, it } from 'vitest';
import { AttachMemory } from '../../src/agent/attach-memory.js';
import { readyVerdict, waitingFor, type AttachmentVerdict, type Verdict } from '../../src/attach/attachment.js';
import { identityOf, podOf } from '../fakes/attach-inputs.js';

const pending = waitingFor('OvnNotInstalled', 'not yet', 'not yet');
const down = waitingFor('LinkDown', 'down', 'down');
const pod = podOf('a', { details: { default: '0/1' } });
const key = 'u-a|default';

function entry(verdict: Verdict, sandboxId = 's1', hasRequest = true): AttachmentVerdict {
  const request = { key, pod, nadKey: 'default', pf: 0, vf: 1, identity: identityOf('a', { sandboxId }) };
  const facts = { device: undefined, heldBy: undefined, isPlugged: false, evidence: {} };
  return { key, pod, nadKey: 'default', verdict, request: hasRequest ? request : undefined, ...facts };
}

const wallMs = 1_700_000_000_000;

/** A look at this time; the two clocks need not run alike. */
function see(memory: AttachMemory, nowMs: number, seen?: AttachmentVerdict, isBlind?: boolean) {
  return memory.see(seen === undefined ? [] : [seen], { nowMs, wallMs: wallMs + nowMs }, isBlind);
}

/** What is remembered after looks at these times; the last one's. */
function ageAfter(...looks: readonly (readonly [nowMs: number, AttachmentVerdict | undefined, isBlind?: boolean])[]) {
  const memory = new AttachMemory(10_000);
  let ages;
  for (const [nowMs, seen, isBlind] of looks) ages = see(memory, nowMs, seen, isBlind);
  return ages?.get(key);
}

describe('what is remembered of an attachment', () => {
  it('is since when its details are what they are', () => {
    expect(ageAfter([0, entry(pending)], [700, entry(down)])).toMatchObject({
      ageMs: 700,
      sinceReadyMs: undefined,
      missedMs: 700,
      reasonMs: 0,
    });
    expect(ageAfter([0, entry(pending)], [700, entry(pending, 's2')])).toMatchObject({ ageMs: 0, reasonMs: 0 });
    expect(ageAfter([0, entry(pending, 's1', false)], [700, entry(pending, 's1', false)])).toMatchObject({
      ageMs: 700,
    });
  });

  it('begins anew once it has been missing from a look', () => {
    expect(ageAfter([0, entry(readyVerdict)], [10, undefined], [700, entry(pending)])).toMatchObject({
      ageMs: 0,
      sinceReadyMs: undefined,
    });
  });

  it('counts what is missing from when it is seen to be, however long nobody looked before', () => {
    expect(ageAfter([0, entry(readyVerdict)], [60_000, entry(down)])).toMatchObject({
      sinceReadyMs: 60_000,
      missedMs: 0,
    });
    expect(ageAfter([0, entry(readyVerdict)], [60_000, entry(down)], [64_000, entry(down)])).toMatchObject({
      missedMs: 4_000,
    });
    expect(ageAfter([0, entry(down)], [5, entry(readyVerdict)], [60_000, entry(down)])).toMatchObject({ missedMs: 0 });
  });

  it('does not count the time when nothing could be observed, up to the next sight', () => {
    const lost = [0, entry(readyVerdict)] as const;
    const blind = [1_000, entry(down), true] as const;
    expect(ageAfter(lost, blind, [500_000, entry(down), true])).toMatchObject({ missedMs: 0 });
    expect(ageAfter(lost, blind, [500_000, entry(down)])).toMatchObject({ missedMs: 0 });
    expect(ageAfter(lost, blind, [500_000, entry(down)], [503_000, entry(down)])).toMatchObject({ missedMs: 3_000 });
    const before = [900, entry(down)] as const;
    expect(ageAfter(lost, before, [1_000, entry(down)], [2_000, entry(down), true])).toMatchObject({ missedMs: 100 });
  });

  it('is uncertain of what nothing was ever seen, until it has been seen for a while', () => {
    const blind = [0, entry(pending), true] as const;
    expect(ageAfter(blind)).toMatchObject({ isUncertain: true });
    expect(ageAfter(blind, [900_000, entry(pending), true])).toMatchObject({ isUncertain: true });
    expect(ageAfter(blind, [1_000, entry(pending)])).toMatchObject({ isUncertain: true });
    expect(ageAfter(blind, [1_000, entry(pending)], [11_001, entry(pending)])).toMatchObject({ isUncertain: false });
    expect(ageAfter(blind, [1_000, entry(pending, 's2'), true])).toMatchObject({ isUncertain: false });
    expect(ageAfter([0, entry(pending)])).toMatchObject({ isUncertain: false });
    expect(ageAfter([0, entry(pending)], [1, entry(pending), true])).toMatchObject({ isUncertain: false });
  });

  it('tells a person times that move only when something changes', () => {
    const memory = new AttachMemory(10_000);
    const timesAt = (nowMs: number, verdict: Verdict, sandboxId?: string) =>
      see(memory, nowMs, entry(verdict, sandboxId)).get(key)?.times;
    const sinceWallMs = wallMs + 5;
    const none = { readyWallMs: undefined, lostWallMs: undefined };
    expect(timesAt(5, pending)).toEqual({ sinceWallMs, ...none });
    expect(timesAt(900, down)).toEqual({ sinceWallMs, ...none });
    for (const nowMs of [1_000, 1_001, 600_000]) {
      expect(timesAt(nowMs, readyVerdict)).toEqual({ sinceWallMs, readyWallMs: wallMs + 1_000, lostWallMs: undefined });
    }
    for (const nowMs of [700_000, 800_000]) {
      expect(timesAt(nowMs, down)).toEqual({ sinceWallMs, readyWallMs: wallMs + 1_000, lostWallMs: wallMs + 700_000 });
    }
    expect(timesAt(900_000, readyVerdict)).toEqual({
      sinceWallMs,
      readyWallMs: wallMs + 900_000,
      lostWallMs: undefined,
    });
    expect(timesAt(950_000, readyVerdict, 's2')).toMatchObject({ sinceWallMs: wallMs + 950_000 });
  });
});
