import { describe, expect, it } from 'vitest';
import { FindingTeller } from '../../src/agent/finding-teller.js';
import { node, vswitchd, type OffloadFinding } from '../../src/offload/check.js';

const finding = (message: string, fields: Partial<OffloadFinding> = {}): OffloadFinding => ({
  ...{ reason: 'MemoryShort', subject: node, message, evidence: {}, remedy: 'none' },
  ...fields,
});

function newTeller(): { readonly teller: FindingTeller; readonly told: string[][] } {
  const told: string[][] = [];
  const teller = new FindingTeller((findings) => told.push(findings.map(({ message }) => message)));
  return { teller, told };
}

describe('findings on offload', () => {
  it('are told at once, and taken back once they have stayed away', () => {
    const { teller, told } = newTeller();
    for (let second = 0; second < 60; second += 1) {
      teller.tell(second % 2 === 0 ? [finding('a')] : [], second * 1_000, 0);
    }
    expect(told).toEqual([['a']]);
    teller.tell([finding('b', { subject: vswitchd })], 60_000, 0);
    expect(told.at(-1)).toEqual(['b', 'a']);
    teller.tell([finding('b', { subject: vswitchd })], 87_999, 0);
    expect(told).toHaveLength(2);
    teller.tell([finding('b', { subject: vswitchd })], 88_000, 0);
    expect(told.at(-1)).toEqual(['b']);
    teller.tell([], 119_000, 0);
    expect(told.at(-1)).toEqual([]);
  });

  it('have other words once a minute, and may be several of one object', () => {
    const { teller, told } = newTeller();
    teller.tell([finding('1'), finding('x')], 100_000, 0);
    teller.tell([finding('2'), finding('x')], 159_000, 0);
    expect(told).toEqual([['1', 'x']]);
    teller.tell([finding('3'), finding('x')], 160_000, 0);
    expect(told.at(-1)).toEqual(['3', 'x']);
  });
});
