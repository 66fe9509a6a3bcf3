import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { TopologyFacts, TopologyObject, TopologyRef } from '../../../src/agent/topology.js';
import { encodeTopologyObject } from '../../../src/api/encode/topology.js';
import { wallMsOf } from '../../../src/api/encode/common.js';
import {
  type TopologyObject as TopologyMessage,
  TopologyObjectSchema,
} from '../../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { bridgeRow, interfaceRow, marked, netdev, owner, portRow } from '../../fakes/plan-rows.js';
import { conditionOf } from '../../fakes/topology-world.js';

function objectOf(facts: TopologyFacts, ref: Partial<TopologyRef> = {}): TopologyObject {
  return { ref: { kind: facts.kind, name: 'x', ...ref }, version: 7n, conditions: [], facts };
}

/** As a client reads it. */
function sent(object: TopologyObject): TopologyMessage {
  return fromBinary(TopologyObjectSchema, toBinary(TopologyObjectSchema, encodeTopologyObject(object)));
}

function valueOf(facts: TopologyFacts): TopologyMessage['object']['value'] {
  return sent(objectOf(facts)).object.value;
}

describe('an object of the topology as a message', () => {
  it('says what it is called, since when, and what is said of it', () => {
    const facts = { kind: 'port', observed: undefined } as const;
    const conditions = [conditionOf('port', 'p0', { evidence: { ofport: '3' } })];
    expect(sent({ ...objectOf(facts, { name: 'p0', bridge: 'br-a' }), conditions })).toMatchObject({
      ref: { name: 'p0', bridge: 'br-a' },
      version: 7n,
      conditions: [{ reason: 'Ready', evidence: { ofport: '3' } }],
      object: { case: 'port', value: { isPresent: false } },
    });
  });

  it('is made once', () => {
    const object = objectOf({ kind: 'port', observed: undefined });
    expect(encodeTopologyObject(object)).toBe(encodeTopologyObject(object));
  });

  it('tells a bridge that is there from one that is only wanted', () => {
    const observed = bridgeRow('b', {
      failMode: 'secure',
      protocols: ['OpenFlow15'],
      externalIds: new Map([['k', 'v']]),
    });
    expect(valueOf({ kind: 'bridge', observed, mode: undefined, source: undefined })).toMatchObject({
      isPresent: true,
      failMode: 'secure',
      protocols: ['OpenFlow15'],
      externalIds: { k: 'v' },
      mode: '',
    });
    const wanted = { kind: 'bridge', observed: undefined, mode: 'own', source: 'config.yaml:1' } as const;
    expect(valueOf(wanted)).toMatchObject({ isPresent: false, datapathId: '', mode: 'own', source: 'config.yaml:1' });
  });

  it('carries a port with its interfaces and its owner', () => {
    const patch = interfaceRow('patch0', { type: 'patch', options: new Map([['peer', 'patch1']]), ofport: undefined });
    const broken = interfaceRow('p0', { type: '', ofport: -1, error: 'could not open', linkState: undefined });
    const observed = portRow('p0', 'b', { tag: 0, trunks: [1, 2], interfaces: [broken, patch], externalIds: marked() });
    const value = valueOf({ kind: 'port', observed });
    expect(value).toMatchObject({ isPresent: true, tag: 0, trunks: [1, 2], owner });
    expect(value).toMatchObject({
      interfaces: [
        { name: 'p0', type: 'system', ofport: -1, error: 'could not open', linkState: '' },
        { name: 'patch0', type: 'patch', peer: 'patch1', linkState: 'up' },
      ],
    });
    // An absent number is no zero.
    if (value === undefined || !('interfaces' in value)) throw new Error('no port');
    expect(value.interfaces[1]).not.toHaveProperty('ofport');
  });

  it('leaves out numbers that no field holds, and cuts what is too long', () => {
    const externalIds = new Map(Array.from({ length: 1000 }, (_, at) => [`k${at}`, 'v'.repeat(5000)]));
    const observed = portRow('p0', 'b', { tag: -5, trunks: [2 ** 40, 3], externalIds }, { mtu: 1e12, ofport: 2 ** 33 });
    const message = encodeTopologyObject(objectOf({ kind: 'port', observed }));
    expect(toBinary(TopologyObjectSchema, message).length).toBeLessThan(200_000);
    const value = valueOf({ kind: 'port', observed });
    expect(value).toMatchObject({ trunks: [3] });
    expect(value).not.toHaveProperty('tag');
    if (value === undefined || !('interfaces' in value)) throw new Error('no port');
    expect(value.interfaces[0]).not.toHaveProperty('ofport');
    expect(value.interfaces[0]).not.toHaveProperty('mtu');
    expect(Object.keys(value.externalIds)).toHaveLength(128);
    expect(value.externalIds['k0']).toBe(`${'v'.repeat(1024)}…`);
  });

  it('carries a representor with its numbers', () => {
    const device = netdev('pf0vf3', {
      kind: 'hostVf',
      evidence: 'devlink',
      controller: 1,
      pf: 0,
      vf: 3,
      functionMac: '02:00:00:00:00:03',
      functionOpstate: 'attached',
    });
    expect(valueOf({ kind: 'representor', netdev: device, bridge: 'br-a' })).toMatchObject({
      functionKind: 'hostVf',
      evidence: 'devlink',
      controller: 1,
      pf: 0,
      vf: 3,
      functionOpstate: 'attached',
      isUp: true,
      ifindex: 10,
      bridge: 'br-a',
    });
  });

  it('carries an attachment with its times', () => {
    const view = {
      nadKey: 'default',
      state: 'ready',
      reason: 'Ready',
      message: 'm',
      pf: 0,
      vf: 0,
      sandboxId: 's',
      ifaceId: 'i',
      device: 'd',
      heldBy: undefined,
      isPlugged: true,
      evidence: {},
      sinceWallMs: 1500,
      readyWallMs: 2500,
      lostWallMs: undefined,
      shown: 'Ready',
      wanted: 'Ready',
    } as const;
    const value = valueOf({ kind: 'attachment', namespace: 'ns', pod: 'p', podUid: 'u', view });
    expect(value).toMatchObject({ namespace: 'ns', pod: 'p', podUid: 'u', network: 'default', vf: 0, isPlugged: true });
    if (value === undefined || !('readyAt' in value)) throw new Error('no attachment');
    expect([value.since, value.readyAt, value.lostAt].map((time) => time && wallMsOf(time))).toEqual([
      1500,
      2500,
      undefined,
    ]);
  });

  it('carries a chain with its ports, their wires and legs', () => {
    const leg = { bridge: 'br-b', target: 't', targetOfport: 4, patch: 'pt', patchOfport: undefined };
    const ports = [
      { key: 'c/1/a', words: 'VF 0 of PF 0', wire: { kind: 'tag', vid: 100 }, interface: 'pf0vf0', ofport: 3, leg },
      {
        key: 'c/1/b',
        words: 'uplink 0',
        wire: { kind: 'any' },
        far: { bridge: 'br-b', interface: 'pt' },
        dpfId: 'n/p/i',
      },
    ] as const;
    const view = {
      intent: { name: 'c', bridge: 'br-a', mtu: 9000 },
      switches: [{ name: '1', index: 0, ports }],
      cookie: '0x1',
    };
    expect(valueOf({ kind: 'chain', view })).toMatchObject({
      bridge: 'br-a',
      mtu: 9000,
      cookie: '0x1',
      switches: [
        {
          name: '1',
          index: 0,
          ports: [
            {
              key: 'c/1/a',
              wire: 'tag',
              vlan: 100,
              interface: 'pf0vf0',
              ofport: 3,
              leg: { target: 't', targetOfport: 4 },
            },
            { key: 'c/1/b', wire: 'any', interface: '', far: { bridge: 'br-b' }, dpfId: 'n/p/i' },
          ],
        },
      ],
    });
  });
});
