import { describe, expect, it } from 'vitest';
import { RoundMemory } from '../../src/agent/memory.js';
import type { Action, Candidate } from '../../src/plan/action.js';

const grace = {
  orphan: { sightings: 2, ms: 1_000 },
  deviceGone: { sightings: 2, ms: 500 },
  deviceRecreated: { sightings: 1, ms: 0 },
  podMissing: { sightings: 1, ms: 0 },
};
const port = { kind: 'port', name: 'p0', bridge: 'br0' } as const;
const candidate: Candidate = { key: 'orphan port:p0', object: port, cause: 'orphan' };
const recreated: Candidate = { key: 'deviceRecreated port:p0', object: port, cause: 'deviceRecreated' };
const removal: Action = {
  kind: 'deletePort',
  object: port,
  loss: undefined,
  differences: [],
  uuid: 'u',
  bridgeUuid: 'b',
  cause: 'deviceRecreated',
};

describe('the memory between rounds', () => {
  it('calls a candidate ripe after both its sightings and its time, and starts over when one look missed it', () => {
    const memory = new RoundMemory(grace);
    memory.see([candidate], 0);
    expect(memory.ripe([candidate], 5_000).size).toBe(0);
    memory.see([candidate], 1_000);
    expect([...memory.ripe([candidate], 1_000)]).toEqual([candidate.key]);
    memory.see([], 1_100);
    memory.see([candidate], 1_200);
    expect(memory.ripe([candidate], 9_000).size).toBe(0);
  });

  it('holds a removed port until vswitchd has come so far, or the database is another one', () => {
    const memory = new RoundMemory(grace);
    memory.hold([removal], 7);
    expect([...memory.heldPorts({ curCfg: 6, nextCfg: 7 })]).toEqual(['p0']);
    expect(memory.heldPorts({ curCfg: 7, nextCfg: 7 }).size).toBe(0);
    memory.hold([removal], 50);
    expect(memory.heldPorts({ curCfg: 0, nextCfg: 1 }).size).toBe(0);
  });

  it('re-attaches one port less and less often, and starts over after a long peace', () => {
    const memory = new RoundMemory(grace);
    const rests: number[] = [];
    let nowMs = 0;
    for (let turn = 0; turn < 12; turn += 1) {
      memory.see([recreated], nowMs);
      memory.rest([removal], nowMs);
      const wait = memory.nextLookMs([recreated], nowMs) ?? 0;
      expect(memory.ripe([recreated], nowMs + wait - 1).size).toBe(0);
      expect(memory.ripe([recreated], nowMs + wait).size).toBe(1);
      rests.push(wait);
      nowMs += wait;
    }
    expect(rests.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(rests.at(-1)).toBe(300_000);
    nowMs += 2_000_000;
    memory.rest([], nowMs);
    memory.rest([removal], nowMs);
    expect(memory.nextLookMs([recreated], nowMs)).toBe(1_000);
  });

  it('leaves a refused object out for longer each time, until its change goes through', () => {
    const memory = new RoundMemory(grace);
    memory.refuse(port, 'no', 0, 0.5);
    expect(memory.quarantined(0).get('port:p0')).toBe('no');
    const first = memory.nextLookMs([], 0) ?? 0;
    expect(memory.quarantined(first).size).toBe(0);
    memory.refuse(port, 'no', first, 0.5);
    expect(memory.nextLookMs([], first)).toBeGreaterThan(first);
    memory.accept([removal]);
    expect(memory.nextLookMs([], first)).toBeUndefined();
  });

  it('forgets the refusal of an object that nobody wants any more', () => {
    const memory = new RoundMemory(grace);
    for (let turn = 0; turn < 5; turn += 1) memory.refuse(port, 'no', 0, 0);
    memory.quarantined(10_000_000);
    memory.refuse(port, 'no', 10_000_000, 0);
    expect(memory.nextLookMs([], 10_000_000)).toBe(500);
  });
});
