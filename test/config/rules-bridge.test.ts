import { describe, expect, it } from 'vitest';
import { problemLines } from './problems-of.js';

describe('rules of bridges', () => {
  it('want every name and identity once', () => {
    const dpid = 'datapathId: 00000000000000ab';
    const text = [
      'bridges:',
      `  - {name: a, ${dpid}, hwaddr: "02:00:00:00:00:0a"}`,
      '  - {name: a, datapathId: 00000000000000AB, hwaddr: "02:00:00:00:00:0A"}',
    ].join('\n');
    expect(problemLines(text)).toEqual([
      '3 bridges[1].name: "a" is already given at bridges[0].name',
      '3 bridges[1].datapathId: "00000000000000AB" is already given at bridges[0].datapathId',
      '3 bridges[1].hwaddr: "02:00:00:00:00:0A" is already given at bridges[0].hwaddr',
    ]);
  });

  it('refuse a name that cannot be a device', () => {
    expect(problemLines('bridges: [{name: a-bridge-of-20-chars}]')).toEqual([
      '1 bridges[0].name: the name "a-bridge-of-20-chars" is 20 characters long; at most 15 are possible',
    ]);
  });

  it.each(['share', 'observe'])('refuse to adopt in mode %s', (mode) => {
    expect(problemLines(`bridges: [{name: a, mode: ${mode}, adopt: true}]`)).toEqual([
      `1 bridges[0].adopt: a bridge of mode ${mode} is somebody else's and cannot be adopted`,
    ]);
  });

  it('refuse map keys that have a place of their own', () => {
    expect(problemLines('bridges: [{name: a, otherConfig: {datapath-id: 1, hwaddr: 2, mac-aging-time: 3}}]')).toEqual([
      '1 bridges[0].otherConfig.datapath-id: "datapath-id" has a key of its own',
      '1 bridges[0].otherConfig.hwaddr: "hwaddr" has a key of its own',
    ]);
  });

  it('take keys that have the name of something of the language', () => {
    expect(problemLines('bridges: [{name: a, otherConfig: {toString: x, constructor: y}}]')).toEqual([]);
  });

  it.each([String.raw`"a\0b"`, String.raw`"\ud800"`])('refuse text that the database cannot hold: %s', (text) => {
    expect(problemLines(`bridges: [{name: a, externalIds: {k: ${text}}}]`)).toHaveLength(1);
  });

  it('refuse a number that is wrong in two ways once', () => {
    expect(problemLines('bridges: [{name: a, mtu: 1e99}]')).toHaveLength(1);
  });

  it("refuse the agent's own notes", () => {
    expect(problemLines('bridges: [{name: a, externalIds: {dpu-agent-owner: me}}]')).toHaveLength(1);
  });

  it('want each protocol once', () => {
    expect(problemLines('bridges: [{name: a, protocols: [OpenFlow13, OpenFlow13]}]')).toEqual([
      '1 bridges[0].protocols[1]: OpenFlow13 is given twice',
    ]);
  });
});
