import { describe, expect, it } from 'vitest';
import * as limits from '../../src/model/chain.js';
import { chainPortSchema, chainSchema, chainSwitchSchema } from '../../src/config/schema-chain.js';
import { allowedText } from '../../src/config/schema-shape.js';
import { chainProblems, chainFile } from './chain-text.js';
import { onlyProblem } from './problems-of.js';

const port = { kind: 'uplink', uplink: 0 };
const chain = { name: 'c', switches: [{ ports: [port, port] }] };

describe('chainSchema', () => {
  it('has the defaults and limits of the model', () => {
    expect(chainSchema.parse(chain)).toMatchObject({
      bridge: limits.defaultChainBridge,
      ageingSeconds: limits.defaultAgeingSeconds,
      stationCountMax: limits.defaultStationCountMax,
    });
    expect(allowedText(chainSchema.shape.switches)).toContain(`of 1 to ${limits.switchCountMax},`);
    expect(allowedText(chainSwitchSchema.shape.ports)).toContain(`of 2 to ${limits.portCountMax},`);
  });

  it.each([
    ['name', 'p0-fw-hbn', true],
    ['name', 'a.b_c', true],
    ['name', 'a/b', false],
    ['name', '-a', false],
    ['name', 'a'.repeat(64), false],
    ['mtu', 68, true],
    ['mtu', 67, false],
    ['ageingSeconds', 0, false],
    ['ageingSeconds', 65_535, true],
    ['ageingSeconds', 65_536, false],
    ['stationCountMax', 0, false],
    ['switches', [], false],
    ['onControllerLoss', 'drop', false],
    ['macMove', 'refuse', true],
  ])('judges %s %j', (key, value, isValid) => {
    expect(chainSchema.safeParse({ ...chain, [key]: value }).success).toBe(isValid);
  });

  it.each([
    ['vlan', { kind: 'access', tag: 1 }, true],
    ['vlan', { kind: 'tagged', tag: 4094 }, true],
    ['vlan', { kind: 'tagged', tag: 4095 }, false],
    ['vlan', { kind: 'tagged', tag: 0 }, false],
    ['vlan', { tag: 1 }, false],
    ['vlan', { kind: 'trunk', tag: 1 }, false],
    ['pinnedMacs', ['02:00:00:00:00:01'], true],
    ['pinnedMacs', ['AA:bb:cc:00:00:01'], true],
    ['pinnedMacs', ['01:00:5e:00:00:01'], false],
    ['pinnedMacs', ['ff:ff:ff:ff:ff:ff'], false],
    ['pinnedMacs', ['00:00:00:00:00:00'], false],
    ['pinnedMacs', ['02-00-00-00-00-01'], false],
    ['pinnedMacs', ['020000000001'], false],
    ['dpfId', 'ns/pod/net1', true],
    ['dpfId', 'a b', false],
    ['dpfId', '', false],
  ])('judges %s %j of a port', (key, value, isValid) => {
    expect(chainPortSchema.safeParse({ ...port, [key]: value }).success).toBe(isValid);
  });
});

describe('problems of chains', () => {
  it('say how many ports a switch has', () => {
    expect(chainProblems(['kind: uplink, uplink: 0'])).toEqual([
      '6 chains[0].switches[0].ports: a list of 1 is not allowed here; allowed: a list of 2 to 50, each a map of keys and values',
    ]);
  });

  it('have line, column, what is allowed and what was meant', () => {
    const ports = '[{kind: uplnk, uplink: 0}, {kind: uplink, uplink: 1}]';
    expect(onlyProblem(chainFile('  - name: c', `    switches: [{ports: ${ports}}]`))).toMatchObject({
      path: 'chains[0].switches[0].ports[0].kind',
      line: 4,
      column: 32,
      message: '"uplnk" is not allowed here; allowed: one of uplink, representor, service, labels, patch',
      remedy: 'Did you mean "uplink"?',
    });
  });

  it('are all found at once, those of single values and those between them, in the order of the file', () => {
    const paths = [
      ...chainProblems(
        [
          'kind: uplink, uplink: 0, vlan: {kind: tagged, tag: 4095}',
          'kind: service, dpfid: a',
          'kind: uplink, uplink: 0',
        ],
        ['kind: patch, bridge: br-sfc', 'kind: uplink, uplink: 99, pinnedMacs: ["01:00:00:00:00:00"]'],
      ),
    ].map((line) => line.replace(/: .*/, ''));
    const [first, second] = ['chains[0].switches[0].ports', 'chains[0].switches[1].ports'];
    expect(paths).toEqual([
      `6 ${first}[0].vlan.tag`,
      `7 ${first}[1]`,
      `7 ${first}[1].dpfid`,
      `8 ${first}[2]`,
      `10 ${second}[0].bridge`,
      `11 ${second}[1].uplink`,
      `11 ${second}[1].pinnedMacs[0]`,
    ]);
  });
});
