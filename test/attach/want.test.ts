import { describe, expect, it } from 'vitest';
import type { AttachRequest, WantedAttachment } from '../../src/attach/attachment.js';
import { ifaceId } from '../../src/attach/nad-key.js';
import type { NetworkLookup } from '../../src/attach/network-lookup.js';
import { readPod } from '../../src/attach/pod-reading.js';
import { wantAttachment, type WantContext } from '../../src/attach/want.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { PodView } from '../../src/model/pod.js';
import { podOf, settingsOf, uplink, vfOf, worldOf } from '../fakes/attach-inputs.js';
import { bridgeRow } from '../fakes/plan-rows.js';

interface Given {
  readonly pod?: PodView;
  readonly nadKey?: string;
  readonly datapathType?: string;
  readonly device?: Partial<Netdev>;
  readonly mapping?: string;
  readonly findNetwork?: NetworkLookup;
  readonly mtu?: number | undefined;
}

function networks(value: unknown): PodView {
  return podOf('a', { annotations: { networks: typeof value === 'string' ? value : JSON.stringify(value) } });
}

function want(given: Given): ReturnType<typeof wantAttachment> {
  const { pod = podOf('a', { details: { default: '0/1', 'ns/blue': '0/2' } }), nadKey = 'default' } = given;
  const device = vfOf(1, given.device);
  const rootIds = given.mapping === undefined ? {} : { 'ovn-pf-encap-ip-mapping': given.mapping };
  const observed = worldOf({ netdevs: [device, uplink(0)], rootIds });
  const identity = { ifaceId: ifaceId(nadKey, 'ns', 'a'), uid: pod.uid, sandboxId: 's1', nadKey };
  const request: AttachRequest = { key: `${pod.uid}|${nadKey}`, pod, nadKey, pf: 0, vf: 1, identity };
  const context: WantContext = {
    settings: settingsOf('mtu' in given ? { mtu: given.mtu } : {}),
    root: observed.root,
    bridge: bridgeRow('br-int', { datapathType: given.datapathType ?? '' }),
    netdevs: observed.netdevs,
    findNetwork: given.findNetwork ?? (() => ({ networkName: 'blue-net', mtu: undefined })),
  };
  return wantAttachment(readPod(pod), request, device, context);
}

function wanted(given: Given = {}): WantedAttachment {
  const result = want(given);
  if (result.kind !== 'ok') throw new Error(result.verdict.message);
  return result.value;
}

const idsOf = (given: Given = {}) => Object.fromEntries(wanted(given).externalIds);

function reasonOf(given: Given): string {
  const result = want(given);
  return result.kind === 'ok' ? 'ok' : `${result.verdict.reason} ${result.verdict.state}`;
}

describe('what the rows of a pod need', () => {
  it('is for the default network what ovn-kubernetes writes in DPU mode', () => {
    const pod = networks({
      default: { mac_address: '0A:58:0A:00:00:05', ip_addresses: ['10.1.2.3/24', 'fd00::3/64'] },
    });
    expect(idsOf({ pod })).toEqual({
      attached_mac: '0a:58:0a:00:00:05',
      'iface-id': 'ns_a',
      'iface-id-ver': 'u-a',
      sandbox: 's1',
      ip_addresses: '10.1.2.3/24,fd00::3/64',
      'vf-netdev-name': 'pf0vf1',
    });
  });

  it('names the network and its key for every other network', () => {
    expect(idsOf({ nadKey: 'ns/blue' })).toMatchObject({
      'iface-id': 'ns.blue_ns_a',
      'k8s.ovn.org/network': 'blue-net',
      'k8s.ovn.org/nad': 'ns/blue',
    });
  });

  it('holds no addresses on a network without address management', () => {
    const pod = networks({ default: { mac_address: '0a:58:0a:00:00:05' } });
    expect(idsOf({ pod })).not.toHaveProperty('ip_addresses');
  });

  it('holds the tunnel address only where one is mapped to the uplink', () => {
    expect(idsOf({ mapping: 'p0:10.9.9.9' })['encap-ip']).toBe('10.9.9.9');
    expect(idsOf({ mapping: 'p7:10.9.9.9' })).not.toHaveProperty('encap-ip');
  });

  it.each<[string, Partial<Netdev>, string]>([
    ['', {}, ''],
    ['system', {}, ''],
    ['netdev', {}, 'dpdk'],
    ['netdev', { switchId: undefined }, ''],
  ])('on datapath %j of device %o has type %j', (datapathType, device, type) => {
    expect(wanted({ datapathType, device }).type).toBe(type);
  });

  it('takes the MTU of the network, and else the configured one', () => {
    expect(wanted().mtu).toBe(1400);
    expect(wanted({ nadKey: 'ns/blue' }).mtu).toBe(1400);
    const findNetwork: NetworkLookup = () => ({ networkName: 'n', mtu: 9000 });
    expect(wanted({ nadKey: 'ns/blue', findNetwork }).mtu).toBe(9000);
    expect(wanted({ mtu: undefined }).mtu).toBeUndefined();
  });

  it('asks for the definition of a network by the name in its key, without the number', () => {
    const asked: string[] = [];
    const findNetwork: NetworkLookup = (namespace, name) => {
      asked.push(`${namespace}/${name}`);
      return 'pending';
    };
    want({ pod: podOf('a', { details: { 'ns/blue/2': '0/1' } }), nadKey: 'ns/blue/2', findNetwork });
    want({ findNetwork });
    expect(asked).toEqual(['ns/blue']);
  });

  it('holds the limits of the pod for each of its networks', () => {
    const details = { default: '0/1', 'ns/blue': '0/2' };
    const pod = podOf('a', { details, annotations: { ingressBandwidth: '10M', egressBandwidth: '4M' } });
    for (const nadKey of ['default', 'ns/blue']) {
      expect(wanted({ pod, nadKey })).toMatchObject({ maxRateBps: 10_000_000, policing: { rateKbps: 4000 } });
    }
    expect(wanted()).toMatchObject({ maxRateBps: undefined, policing: { rateKbps: 0, burstKb: 0 } });
  });
});

describe('what is not known yet', () => {
  it.each<[string, Given, string]>([
    ['no annotation', { pod: podOf('a', { annotations: { networks: undefined } }) }, 'PodNetworkMissing waiting'],
    ['another network only', { pod: networks({ 'ns/x': {} }) }, 'PodNetworkMissing waiting'],
    ['no object', { pod: networks('[]') }, 'PodNetworkInvalid failed'],
    ['a bad address', { pod: networks({ default: { mac_address: 'x' } }) }, 'PodNetworkInvalid failed'],
    [
      'a group address',
      { pod: networks({ default: { mac_address: '01:00:5e:00:00:01' } }) },
      'PodNetworkInvalid failed',
    ],
    ['a definition to come', { nadKey: 'ns/blue', findNetwork: () => 'pending' }, 'NetworkUnknown waiting'],
    ['no definition', { nadKey: 'ns/blue', findNetwork: () => 'absent' }, 'NetworkUnknown failed'],
    ['a bad definition', { nadKey: 'ns/blue', findNetwork: () => 'invalid' }, 'NetworkUnknown failed'],
    ['no uplink', { mapping: 'p0:10.0.0.1', device: { switchId: 'bb02' } }, 'EncapIpUnknown failed'],
  ])('is said: %s', (_what, given, reason) => {
    expect(reasonOf(given)).toBe(reason);
  });

  it('is said without what the tenant wrote going through unescaped', () => {
    const result = want({ pod: networks({ default: { mac_address: '\u001b[2J' } }) });
    expect(result.kind === 'not' && result.verdict.message).not.toContain('\u001b');
  });
});
