import { describe, expect, it } from 'vitest';
import { problemLines } from './problems-of.js';

const ports = (...list: readonly string[]): readonly string[] =>
  problemLines(['bridges:', '  - name: br0', '    ports:', ...list.map((port) => `      - {${port}}`)].join('\n'));

describe('rules of ports', () => {
  it.each([
    ['kind: system', 'name'],
    ['kind: internal', 'name'],
    ['kind: dpdk', 'name'],
    ['kind: representor', 'representor'],
    ['kind: uplink', 'uplink'],
    ['kind: patch, name: p', 'peer'],
  ])('want what %s needs', (port, key) => {
    expect(ports(port)[0]).toMatch(new RegExp(`^4 bridges\\[0\\]\\.ports\\[0\\]: .* needs the key "${key}"$`));
  });

  it.each([
    ['kind: system, name: p, uplink: 0', 'uplink'],
    ['kind: system, name: p, representor: {pf: 0}', 'representor'],
    ['kind: system, name: p, interfaceType: dpdk', 'interfaceType'],
    ['kind: uplink, uplink: 0, createPeer: true', 'createPeer'],
    ['kind: uplink, uplink: 0, peer: {bridge: a, port: b}', 'peer'],
  ])('refuse in {%s} the key %s', (port, key) => {
    expect(ports(port)).toEqual([expect.stringContaining(`ports[0].${key}: a port of kind`)]);
  });

  it('refuse an MTU for a patch port', () => {
    const text =
      'bridges: [{name: a, ports: [{name: p, kind: patch, mtu: 1500, peer: {bridge: b, port: q}}]}, {name: b}]';
    expect(problemLines(text)).toEqual(['1 bridges[0].ports[0].mtu: a port of kind patch has no "mtu"']);
  });

  it('want port names unique over all bridges, bridges included', () => {
    const text = [
      'bridges:',
      '  - {name: a, ports: [{name: p, kind: system}, {name: b, kind: system}]}',
      '  - {name: b, ports: [{name: p, kind: system}]}',
    ].join('\n');
    expect(problemLines(text)).toEqual([
      '2 bridges[0].ports[1].name: "b" is the local port of bridges[1]',
      '3 bridges[1].ports[0].name: "p" is already given at bridges[0].ports[0].name',
    ]);
  });

  it('want port numbers unique on a bridge, not beyond', () => {
    expect(ports('name: p, kind: system, ofport: 7', 'name: q, kind: system, ofport: 7')).toEqual([
      '5 bridges[0].ports[1].ofport: 7 is already given at bridges[0].ports[0].ofport',
    ]);
    const text =
      'bridges: [{name: a, ports: [{name: p, kind: system, ofport: 7}]}, {name: b, ports: [{name: q, kind: system, ofport: 7}]}]';
    expect(problemLines(text)).toEqual([]);
  });

  it('want one port for each function and uplink', () => {
    expect(ports('kind: uplink, uplink: 1', 'kind: uplink, uplink: 1')).toHaveLength(1);
    expect(
      ports(
        'kind: representor, representor: {pf: 0, vf: 1}',
        'kind: representor, representor: {pf: 0, vf: 1, controller: 1}',
      ),
    ).toEqual([
      '5 bridges[0].ports[1].representor: the same function is already used at bridges[0].ports[0].representor',
    ]);
    expect(
      ports(
        'kind: representor, representor: {pf: 0, vf: 1, controller: 1}',
        'kind: representor, representor: {pf: 0, vf: 1, controller: 2}',
        'kind: representor, representor: {pf: 0, sf: 1, controller: 1}',
        'kind: representor, representor: {pf: 0, controller: 1}',
        'kind: representor, representor: {pf: 1, vf: 1, controller: 1}',
      ),
    ).toEqual([]);
  });

  it('want either a VF or an SF', () => {
    expect(ports('kind: representor, representor: {pf: 0, vf: 1, sf: 1}')).toEqual([
      '4 bridges[0].ports[0].representor: both vf and sf are given',
    ]);
  });

  it("refuse the own PFs and VFs of the DPU, for which the host's would be taken", () => {
    expect(ports('kind: representor, representor: {pf: 0, vf: 1, controller: 0}')).toEqual([
      '4 bridges[0].ports[0].representor.controller: controller 0 is the DPU, whose own PFs and VFs are not plugged',
    ]);
    expect(ports('kind: representor, representor: {pf: 0, sf: 1, controller: 0}')).toEqual([]);
  });

  it.each([
    ['{tag: 1}', undefined],
    ['{trunks: [1, 2]}', undefined],
    ['{tag: 0, mode: access}', undefined],
    ['{tag: 1, trunks: [2], mode: native-tagged}', undefined],
    ['{mode: trunk}', undefined],
    ['{tag: 1, mode: trunk}', 'mode trunk has no tag'],
    ['{mode: access}', 'mode access needs a tag'],
    ['{mode: native-untagged, trunks: [1]}', 'mode native-untagged needs a tag'],
    ['{tag: 1, trunks: [1]}', 'tag and trunks together need a mode'],
    ['{tag: 1, trunks: [1], mode: access}', 'mode access has no trunks'],
    ['{trunks: [1, 1]}', 'VLAN 1 is given twice'],
  ])('judge vlan %s', (vlan, message) => {
    const found = ports(`name: p, kind: system, vlan: ${vlan}`);
    expect(found).toEqual(message === undefined ? [] : [expect.stringContaining(`: ${message}`)]);
  });

  it('refuse a peer among the options, and the notes of the agent', () => {
    const port = 'name: p, kind: patch, peer: {bridge: b, port: q}, options: {peer: x}';
    expect(problemLines(`bridges: [{name: a, ports: [{${port}}]}, {name: b}]`)).toEqual([
      '1 bridges[0].ports[0].options.peer: "peer" has a key of its own',
    ]);
    expect(
      ports('name: p, kind: system, externalIds: {dpu-agent-x: 1}, interfaceExternalIds: {dpu-agent-y: 1}'),
    ).toHaveLength(2);
  });

  it('refuse to adopt a port of an observed bridge', () => {
    const text = 'bridges: [{name: a, mode: observe, ports: [{name: p, kind: system, adopt: true}]}]';
    expect(problemLines(text)).toEqual([
      '1 bridges[0].ports[0].adopt: a port of a bridge of mode observe cannot be adopted',
    ]);
  });
});
