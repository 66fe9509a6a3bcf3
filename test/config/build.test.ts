import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';

const empty = { options: {}, otherConfig: {}, externalIds: {}, interfaceExternalIds: {}, adopt: false };

const portsOf = (ports: string): readonly unknown[] =>
  loadConfig({ text: `bridges: [{name: a, ports: [${ports}]}]` }).config.bridges[0]!.ports;

describe('buildConfig', () => {
  it('makes each kind of port a type of its own', () => {
    expect(portsOf('{name: p, kind: internal, mtu: 1450, vlan: {tag: 2}, ofport: 4, options: {a: b}}')).toEqual([
      { ...empty, kind: 'internal', name: 'p', mtu: 1450, vlan: { tag: 2 }, ofport: 4, options: { a: 'b' } },
    ]);
    expect(portsOf('{kind: uplink, uplink: 1}')).toEqual([{ ...empty, kind: 'uplink', uplink: 1 }]);
    expect(portsOf('{kind: uplink, uplink: 1, name: p1, interfaceType: doca}')).toEqual([
      { ...empty, kind: 'uplink', uplink: 1, name: 'p1', interfaceType: 'doca' },
    ]);
  });

  it.each([
    ['{pf: 0}', { kind: 'pf', pf: 0 }],
    ['{pf: 0, vf: 3, controller: 1}', { kind: 'vf', pf: 0, vf: 3, controller: 1 }],
    ['{pf: 1, sf: 0}', { kind: 'sf', pf: 1, sf: 0 }],
  ])('makes %s a selector', (text, representor) => {
    expect(portsOf(`{kind: representor, representor: ${text}}`)).toEqual([
      { ...empty, kind: 'representor', representor },
    ]);
  });

  it('makes spelling and order uniform', () => {
    const text = [
      'bridges:',
      '  - name: a',
      '    datapathId: 00000000000000AB',
      '    hwaddr: 0A:00:00:00:00:0F',
      '    protocols: [OpenFlow15, OpenFlow10, OpenFlow13]',
      '    ports: [{name: p, kind: system, vlan: {trunks: [100, 20, 3]}}]',
    ].join('\n');
    expect(loadConfig({ text }).config.bridges[0]).toMatchObject({
      datapathId: '00000000000000ab',
      hwaddr: '0a:00:00:00:00:0f',
      protocols: ['OpenFlow10', 'OpenFlow13', 'OpenFlow15'],
      ports: [{ vlan: { trunks: [3, 20, 100] } }],
    });
  });

  it('leaves out what is not managed', () => {
    const { config } = loadConfig({ text: 'bridges: [{name: a}]' });
    expect(Object.keys(config.bridges[0]!).sort()).toEqual([
      'adopt',
      'externalIds',
      'mode',
      'name',
      'otherConfig',
      'ports',
    ]);
  });
});
