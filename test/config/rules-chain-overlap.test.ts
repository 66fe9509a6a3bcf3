import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { arbitraryConfig } from './arbitrary-config.js';
import { chainProblems } from './chain-text.js';
import { problemsIn } from './problems-of.js';

const uplink = (number: number): string => `kind: uplink, uplink: ${number}`;
const inSwitch = 'chains[0].switches[0].ports[1]: the same port is already used at chains[0].switches[0].ports[0]';

describe('the rule that a chain uses every port once', () => {
  it.each([
    ['kind: uplink, uplink: 1', 'kind: uplink, uplink: 1'],
    ['kind: service, dpfId: a/b/c', 'kind: service, dpfId: a/b/c'],
    ['kind: labels, labels: {a: 1, b: 2}', 'kind: labels, labels: {b: 2, a: 1}'],
    ['kind: patch, bridge: br-b', 'kind: patch, bridge: br-b, name: x'],
    ['kind: representor, representor: {pf: 0, vf: 1}', 'kind: representor, representor: {pf: 0, vf: 1, controller: 2}'],
  ])('refuses {%s} beside {%s}', (first, second) => {
    expect(chainProblems([first, second])).toEqual([`7 ${inSwitch}`]);
  });

  it.each([
    ['kind: uplink, uplink: 0', 'kind: uplink, uplink: 1'],
    ['kind: service, dpfId: a/b/c', 'kind: service, dpfId: a/b/d'],
    ['kind: labels, labels: {a: 1, b: 2}', 'kind: labels, labels: {a: 1}'],
    ['kind: patch, bridge: br-b, name: x', 'kind: patch, bridge: br-b, name: y'],
    ['kind: patch, bridge: br-b', 'kind: patch, bridge: br-c'],
    ['kind: representor, representor: {pf: 0, vf: 1}', 'kind: representor, representor: {pf: 0, sf: 1}'],
    [
      'kind: representor, representor: {pf: 0, controller: 1}',
      'kind: representor, representor: {pf: 0, controller: 2}',
    ],
  ])('allows {%s} beside {%s}', (first, second) => {
    expect(chainProblems([first, second])).toEqual([]);
  });

  const shared = (first: string, second: string, beside = uplink(1)): readonly string[] =>
    chainProblems([`${uplink(0)}${first}`, beside], [`${uplink(0)}${second}`, uplink(2)]);

  it.each([
    ['', ''],
    ['', ', vlan: {kind: tagged, tag: 10}'],
    [', vlan: {kind: tagged, tag: 10}', ', vlan: {kind: tagged, tag: 10}'],
    [', vlan: {kind: access, tag: 10}', ', vlan: {kind: access, tag: 20}'],
  ])('refuses a port of two switches with "%s" and "%s"', (first, second) => {
    expect(shared(first, second)).toEqual([
      '9 chains[0].switches[1].ports[0]: the same port is already used at chains[0].switches[0].ports[0]',
    ]);
  });

  it.each([
    [', vlan: {kind: tagged, tag: 10}', ', vlan: {kind: tagged, tag: 20}'],
    [', vlan: {kind: access, tag: 10}', ', vlan: {kind: tagged, tag: 10}'],
  ])('allows a port of two switches with "%s" and "%s"', (first, second) => {
    expect(shared(first, second)).toEqual([]);
  });

  it('knows that a port without a vlan is in that of the access port', () => {
    const access = `${uplink(1)}, vlan: {kind: access, tag: 10}`;
    expect(shared('', ', vlan: {kind: tagged, tag: 20}', access)).toEqual([]);
    expect(shared('', ', vlan: {kind: tagged, tag: 10}', access)).toHaveLength(1);
  });

  it('does not guess what a wrong VLAN was meant to be', () => {
    const isOverlap = (line: string): boolean => line.includes('already used');
    expect(shared(', vlan: {kind: tagged, tag: 5000}', '').filter(isOverlap)).toEqual([]);
    expect(shared('', '', `${uplink(1)}, vlan: {kind: access, tag: 5000}`).filter(isOverlap)).toEqual([]);
    expect(chainProblems([uplink(0), `${uplink(0)}, vlan: {tag: 1}`]).filter(isOverlap)).toEqual([`7 ${inSwitch}`]);
  });

  it('finds any port that is written twice, and blames only the second', () => {
    type Switches = { ports: Record<string, unknown>[] }[];
    const withChains = arbitraryConfig.filter((plain) => (plain['chains'] as unknown[]).length > 0);
    fc.assert(
      fc.property(withChains, fc.nat(), fc.nat(), (plain, pickSwitch, pickPort) => {
        const chains = structuredClone(plain['chains']) as { switches: Switches }[];
        const { switches } = chains[0]!;
        const index = pickSwitch % switches.length;
        const { ports } = switches[index]!;
        const { pinnedMacs: _pinnedMacs, ...again } = ports[pickPort % ports.length]!;
        ports.push(again);
        const found = problemsIn({ text: stringify({ ...plain, chains }, { aliasDuplicateObjects: false }) });
        const second = `chains[0].switches[${index}].ports[${ports.length - 1}]`;
        expect(found.map(({ path }) => path.replace(/\.name$/, ''))).toContain(second);
        expect(found.filter(({ path }) => !path.startsWith(second))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses a port twice in one switch, whatever its VLANs', () => {
    expect(
      chainProblems([`${uplink(0)}, vlan: {kind: tagged, tag: 10}`, `${uplink(0)}, vlan: {kind: tagged, tag: 20}`]),
    ).toEqual([`7 ${inSwitch}`]);
  });
});
