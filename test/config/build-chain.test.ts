import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { chainFile, chainOf } from './chain-text.js';

const chainIn = (text: string) => loadConfig({ text }).config.chains[0]!;

describe('chainOf', () => {
  it('fills in the defaults, and leaves out what is not said', () => {
    const uplinks = ['kind: uplink, uplink: 0', 'kind: uplink, uplink: 1'];
    expect(chainIn(chainOf(uplinks))).toEqual({
      name: 'c',
      bridge: 'br-sfc',
      joinsTenants: [],
      onControllerLoss: 'keep',
      macMove: 'allow',
      ageingSeconds: 300,
      stationCountMax: 4096,
      switches: [
        {
          ports: [
            { kind: 'uplink', uplink: 0, pinnedMacs: [] },
            { kind: 'uplink', uplink: 1, pinnedMacs: [] },
          ],
        },
      ],
    });
  });

  it('makes each kind of port a type of its own', () => {
    const text = chainOf([
      'kind: representor, name: web, representor: {pf: 0, vf: 3, controller: 1}, tenant: red',
      'kind: representor, representor: {pf: 0, sf: 4}',
      'kind: service, dpfId: ns/pod/net1, vlan: {kind: tagged, tag: 7}',
      'kind: labels, labels: {port: 007}',
      'kind: patch, bridge: br-b, name: pbrsfcbrb',
    ]);
    expect(chainIn(text).switches[0]?.ports).toEqual([
      {
        kind: 'representor',
        name: 'web',
        representor: { kind: 'vf', pf: 0, vf: 3, controller: 1 },
        tenant: 'red',
        pinnedMacs: [],
      },
      { kind: 'representor', representor: { kind: 'sf', pf: 0, sf: 4 }, pinnedMacs: [] },
      { kind: 'service', dpfId: 'ns/pod/net1', vlan: { kind: 'tagged', tag: 7 }, pinnedMacs: [] },
      { kind: 'labels', labels: { port: '007' }, pinnedMacs: [] },
      { kind: 'patch', bridge: 'br-b', name: 'pbrsfcbrb', pinnedMacs: [] },
    ]);
  });

  it('makes spelling and order uniform', () => {
    const macs = 'pinnedMacs: ["0A:00:00:00:00:0F", "02:00:00:00:00:01"]';
    const ports = `[{kind: uplink, uplink: 0, ${macs}}, {kind: uplink, uplink: 1}]`;
    const chain = chainIn(
      chainFile(`  - {name: c, joinsTenants: [red, blue], switches: [{name: 7, ports: ${ports}}]}`),
    );
    expect(chain.joinsTenants).toEqual(['blue', 'red']);
    expect(chain.switches[0]).toMatchObject({
      name: '7',
      ports: [{ pinnedMacs: ['02:00:00:00:00:01', '0a:00:00:00:00:0f'] }, {}],
    });
  });
});
