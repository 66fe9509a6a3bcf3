import { describe, expect, it } from 'vitest';
import { known } from '../../../src/model/fact.js';
import { polledPorts, uplinkOnSwitch } from '../../../src/offload/checks/ports.js';
import { offloadLimitsDefault } from '../../../src/offload/offload-facts.js';
import { docaEngine, healthy, interfaceFacts, uplink, vf } from '../../fakes/offload-facts.js';
import { netdev } from '../../fakes/plan-rows.js';

const doca = { engine: known(docaEngine) };

describe('ports that were not there yet when they were looked at', () => {
  it.each([
    [true, 'clear'],
    [false, 'found'],
    [undefined, 'found'],
  ])('isNew %s: threads that do not poll it are %s', (isNew, kind) => {
    const rows = known([interfaceFacts('p0', { type: 'dpdk', isNew })]);
    expect(polledPorts.run(healthy({ ...doca, interfaces: rows }), offloadLimitsDefault).kind).toBe(kind);
  });
});

describe('uplinks below another device', () => {
  const rows = known([interfaceFacts('fabric0'), interfaceFacts('pf0vf0')]);
  const outcome = (mac: string) => {
    const devices = known([uplink, vf(0), netdev('fabric0', { mac })]);
    return uplinkOnSwitch.run(healthy({ ...doca, interfaces: rows, devices }), offloadLimitsDefault).kind;
  };

  it('are not said to be missing when the device has their address', () => {
    expect(outcome(uplink.mac)).toBe('notTestable');
    expect(outcome('02:00:00:00:00:99')).toBe('found');
  });
});
