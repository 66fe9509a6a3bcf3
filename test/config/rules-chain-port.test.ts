import { describe, expect, it } from 'vitest';
import { chainProblems } from './chain-text.js';

const uplink = 'kind: uplink, uplink: 0';
/** The problems of one port beside an uplink; it is on line 7. */
const port = (text: string): readonly string[] => chainProblems([uplink, text]);
const at = 'chains[0].switches[0].ports[1]';

describe('rules of chain ports', () => {
  it.each([
    ['uplink', 'uplink'],
    ['representor', 'representor'],
    ['service', 'dpfId'],
    ['labels', 'labels'],
    ['patch', 'bridge'],
  ])('want for kind %s the key %s', (kind, key) => {
    expect(port(`kind: ${kind}`)).toEqual([`7 ${at}: a chain port of kind ${kind} needs the key "${key}"`]);
  });

  it.each([
    ['kind: service, dpfId: a/b/c, uplink: 1', 'uplink', 'service'],
    ['kind: uplink, uplink: 1, labels: {a: b}', 'labels', 'uplink'],
    ['kind: uplink, uplink: 1, bridge: br-b', 'bridge', 'uplink'],
    ['kind: patch, bridge: br-b, dpfId: a/b/c', 'dpfId', 'patch'],
    ['kind: labels, labels: {a: b}, representor: {pf: 0}', 'representor', 'labels'],
  ])('refuse in {%s} the key %s', (text, key, kind) => {
    expect(port(text)).toEqual([`7 ${at}.${key}: a chain port of kind ${kind} has no "${key}"`]);
  });

  it.each([
    ['{pf: 0, vf: 1, sf: 1}', ': both vf and sf are given'],
    ['{pf: 0, vf: 1, controller: 0}', '.controller: controller 0 is the DPU, whose own PFs and VFs are not plugged'],
    ['{pf: 0, controller: 0}', '.controller: controller 0 is the DPU, whose own PFs and VFs are not plugged'],
    ['{pf: 0, sf: 1, controller: 0}', undefined],
  ])('judge the function %s', (selector, message) => {
    const found = port(`kind: representor, representor: ${selector}`);
    expect(found).toEqual(message === undefined ? [] : [`7 ${at}.representor${message}`]);
  });

  it('want a label, which an empty map is not', () => {
    expect(port('kind: labels, labels: {}')).toEqual([`7 ${at}.labels: no label is given, so every port would match`]);
    expect(port('kind: labels, labels:')).toHaveLength(1);
  });

  it('want a patch port to lead to another bridge, which need not be declared', () => {
    expect(port('kind: patch, bridge: br-sfc')).toEqual([
      `7 ${at}.bridge: "br-sfc" is the bridge of the chain; a patch port leads to another`,
    ]);
    expect(port('kind: patch, bridge: "a b"')[0]).toContain('the name "a b" has the character " "');
    expect(port('kind: patch, bridge: br-hbn')).toEqual([]);
  });

  it('judge the name of a patch port as one in OVS, and every other as one for people', () => {
    expect(port('kind: patch, bridge: br-b, name: pen3f0pf0sf10brsfc')).toEqual([]);
    expect(port('kind: patch, bridge: br-b, name: a/b')[0]).toContain(
      `${at}.name: the name "a/b" has the character "/"`,
    );
    expect(port('kind: uplink, uplink: 1, name: a/b')[0]).toContain('letters, digits, ".", "_" and "-" are possible');
    expect(port('kind: uplink, uplink: 1, name: a-')[0]).toContain('does not begin and end with a letter or digit');
    expect(port(`kind: uplink, uplink: 1, name: ${'a'.repeat(64)}`)[0]).toContain('is 64 characters long');
    expect(port(`kind: uplink, uplink: 1, name: ${'a'.repeat(63)}`)).toEqual([]);
  });

  it('want port names once in a switch', () => {
    const ports = ['kind: uplink, uplink: 0, name: x', 'kind: uplink, uplink: 1, name: x'];
    expect(chainProblems(ports)).toEqual([`7 ${at}.name: "x" is already given at chains[0].switches[0].ports[0].name`]);
    const [first = '', second = ''] = ports;
    expect(chainProblems([first, 'kind: uplink, uplink: 2'], [second, 'kind: uplink, uplink: 3'])).toEqual([]);
  });

  it('want a station behind one port of a switch, however it is written', () => {
    const mac = (text: string): string => `pinnedMacs: ["${text}"]`;
    expect(
      chainProblems([`${uplink}, ${mac('02:00:00:00:00:0a')}`, `kind: uplink, uplink: 1, ${mac('02:00:00:00:00:0A')}`]),
    ).toEqual([
      `7 ${at}.pinnedMacs[0]: 02:00:00:00:00:0A is already given at chains[0].switches[0].ports[0].pinnedMacs[0]`,
    ]);
    expect(port('kind: uplink, uplink: 1, pinnedMacs: ["02:00:00:00:00:01", "02:00:00:00:00:01"]')).toHaveLength(1);
  });

  it('want one VLAN for all access ports of a switch', () => {
    const access = (n: number, tag: number): string => `kind: uplink, uplink: ${n}, vlan: {kind: access, tag: ${tag}}`;
    expect(chainProblems([access(0, 10), access(1, 20), access(2, 10)])).toEqual([
      `7 ${at}.vlan.tag: the access port chains[0].switches[0].ports[0] of the same switch has VLAN 10`,
    ]);
    expect(chainProblems([access(0, 10), uplink.replace('0', '1')], [access(2, 20), uplink.replace('0', '3')])).toEqual(
      [],
    );
  });
});
