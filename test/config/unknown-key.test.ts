import { describe, expect, it } from 'vitest';
import { unknownKeyRemedy } from '../../src/config/unknown-key.js';

const bridge = ['bridges', 0];
const port = ['bridges', 0, 'ports', 0];
const chain = ['chains', 0];
const chainPort = ['chains', 0, 'switches', 0, 'ports', 0];

describe('unknownKeyRemedy', () => {
  it.each([
    ['failmode', bridge, 'Did you mean "failMode"?'],
    ['external_ids', bridge, 'Did you mean "externalIds"?'],
    ['ofport_request', port, 'Did you mean "ofport"?'],
    ['mtu_request', bridge, 'Did you mean "mtu"?'],
    ['type', port, 'Did you mean "kind"?'],
    ['tag', port, 'Did you mean "vlan.tag"?'],
    ['pf', port, 'Did you mean "representor.pf"?'],
    ['loglevel', [], 'Did you mean "log.level"?'],
    ['tag', chainPort, 'Did you mean "vlan.tag"?'],
    ['dpf-id', chainPort, 'Did you mean "dpfId"?'],
    ['dpfid', chainPort, 'Did you mean "dpfId"?'],
    ['interfaceType', chainPort, 'Did you mean "kind"?'],
    ['matchLabels', chainPort, 'Did you mean "labels"?'],
    ['vfID', chainPort, 'Did you mean "representor.vf"?'],
    ['vfID', [...chainPort, 'representor'], 'Did you mean "vf"?'],
    ['mode', [...chainPort, 'vlan'], 'Did you mean "kind"?'],
    ['serviceMTU', chain, 'Did you mean "mtu"?'],
    ['onControllerLost', chain, 'Did you mean "onControllerLoss"?'],
    ['switches', bridge, '"switches" belongs to chains[…].'],
    ['ports', [], '"ports" belongs to bridges[…].'],
    ['bridges', ['agent'], '"bridges" belongs to the top level.'],
    ['colour', ['log'], 'Valid here: level, format.'],
    ['constructor', ['log'], 'Valid here: level, format.'],
  ])('answers %s at %j', (key, parent, remedy) => {
    expect(unknownKeyRemedy(key, parent)).toBe(remedy);
  });
});
