/**
 * Objects of the topology as messages. Each object is immutable and encoded once, however many watchers there are. Pure but for
 * that memory.
 */

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttachmentFacts,
  BridgeFacts,
  PortFactsView,
  RepresentorFacts,
  TopologyFacts,
  TopologyObject,
} from '../../agent/topology.js';
import type { ChainPortView, ChainSwitchView, ChainView } from '../../chain/chain-view.js';
import {
  type AttachmentSchema,
  type BridgeSchema,
  type ChainPortSchema,
  type ChainSchema,
  type ChainSwitchSchema,
  type InterfaceSchema,
  type PortSchema,
  type RepresentorSchema,
  type TopologyObject as TopologyMessage,
  TopologyObjectSchema,
} from '../../gen/proto/dpu/agent/v1/topology_pb.js';
import type { ObservedInterface } from '../../model/observed.js';
import { ownerKey, type StringMap } from '../../model/ownership.js';
import { encodeCondition, encodeRef, int32, optional, optionalTimestamp, timestamp, uint32 } from './common.js';

const encoded = new WeakMap<TopologyObject, TopologyMessage>();

/** The object as a message: the same value each time, which nobody may change. */
export function encodeTopologyObject(object: TopologyObject): TopologyMessage {
  const before = encoded.get(object);
  if (before !== undefined) return before;
  const { ref, version, conditions, facts } = object;
  const message = create(TopologyObjectSchema, {
    ref: encodeRef(ref),
    version,
    conditions: conditions.map(encodeCondition),
    object: encodeFacts(facts),
  });
  encoded.set(object, message);
  return message;
}

function encodeFacts(facts: TopologyFacts): NonNullable<MessageInitShape<typeof TopologyObjectSchema>['object']> {
  switch (facts.kind) {
    case 'bridge':
      return { case: 'bridge', value: encodeBridge(facts) };
    case 'port':
      return { case: 'port', value: encodePort(facts) };
    case 'representor':
      return { case: 'representor', value: encodeRepresentor(facts) };
    case 'attachment':
      return { case: 'attachment', value: encodeAttachment(facts) };
    case 'chain':
      return { case: 'chain', value: encodeChain(facts.view) };
  }
}

/** Entries of one map; Open vSwitch and those who write into it use a few dozen. */
const entryCountMax = 128;
/** Characters of a key or value; longer ones are cut. */
const textLengthMax = 1024;

function cut(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}…`;
}

/** A map column, bounded: the database takes megabytes from anybody who may write into it, a message does not. */
function boundedMap(map: StringMap): Record<string, string> {
  return Object.fromEntries([...map].slice(0, entryCountMax).map(([key, value]) => [cut(key), cut(value)]));
}

function encodeBridge({ observed, mode, source }: BridgeFacts): MessageInitShape<typeof BridgeSchema> {
  const wanted = { ...optional('mode', mode), ...optional('source', source) };
  if (observed === undefined) return { isPresent: false, ...wanted };
  const { datapathType, datapathId, failMode, protocols, externalIds } = observed;
  return {
    isPresent: true,
    datapathType,
    ...optional('datapathId', datapathId),
    ...optional('failMode', failMode),
    protocols: [...protocols],
    ...wanted,
    externalIds: boundedMap(externalIds),
  };
}

function encodePort({ observed }: PortFactsView): MessageInitShape<typeof PortSchema> {
  if (observed === undefined) return { isPresent: false };
  const { tag, trunks, vlanMode, interfaces, externalIds } = observed;
  return {
    isPresent: true,
    ...optional('tag', uint32(tag)),
    trunks: trunks.filter((trunk) => uint32(trunk) !== undefined),
    ...optional('vlanMode', vlanMode),
    interfaces: interfaces.map(encodeInterface),
    externalIds: boundedMap(externalIds),
    owner: cut(externalIds.get(ownerKey) ?? ''),
  };
}

function encodeInterface(seen: ObservedInterface): MessageInitShape<typeof InterfaceSchema> {
  const { name, type, ofport, linkState, mtu, macInUse, error, ifindex, options, externalIds } = seen;
  return {
    name,
    // Empty and `system` mean the same, ovs-vswitchd.conf.db(5).
    type: type === '' ? 'system' : type,
    ...optional('ofport', int32(ofport)),
    ...optional('linkState', linkState),
    ...optional('mtu', uint32(mtu)),
    ...optional('mac', macInUse),
    ...optional('error', error === undefined ? undefined : cut(error)),
    ...optional('ifindex', uint32(ifindex)),
    ...optional('peer', type === 'patch' ? options.get('peer') : undefined),
    externalIds: boundedMap(externalIds),
  };
}

function encodeRepresentor({ netdev, bridge }: RepresentorFacts): MessageInitShape<typeof RepresentorSchema> {
  return {
    functionKind: netdev.kind,
    evidence: netdev.evidence,
    ...optional('controller', uint32(netdev.controller)),
    ...optional('pf', uint32(netdev.pf)),
    ...optional('vf', uint32(netdev.vf)),
    ...optional('sf', uint32(netdev.sf)),
    ...optional('portNumber', uint32(netdev.port)),
    isUp: netdev.isUp,
    hasCarrier: netdev.hasCarrier,
    ...optional('mtu', uint32(netdev.mtu)),
    mac: netdev.mac,
    ...optional('functionMac', netdev.functionMac),
    ...optional('functionOpstate', netdev.functionOpstate),
    ...optional('ifindex', uint32(netdev.ifindex)),
    ...optional('bridge', bridge),
  };
}

function encodeAttachment(facts: AttachmentFacts): MessageInitShape<typeof AttachmentSchema> {
  const { namespace, pod, podUid, view } = facts;
  return {
    namespace,
    pod,
    podUid,
    network: view.nadKey,
    ...optional('pf', uint32(view.pf)),
    ...optional('vf', uint32(view.vf)),
    ...optional('device', view.device),
    ...optional('ifaceId', view.ifaceId),
    ...optional('sandboxId', view.sandboxId),
    ...optional('heldBy', view.heldBy),
    isPlugged: view.isPlugged,
    since: timestamp(view.sinceWallMs),
    ...optionalTimestamp('readyAt', view.readyWallMs),
    ...optionalTimestamp('lostAt', view.lostWallMs),
    ...optional('shownStatus', view.shown),
    ...optional('wantedStatus', view.wanted),
  };
}

function encodeChain({ intent, switches, cookie }: ChainView): MessageInitShape<typeof ChainSchema> {
  return {
    bridge: intent.bridge,
    ...optional('tenant', intent.tenant),
    ...optional('mtu', uint32(intent.mtu)),
    ...optional('cookie', cookie),
    switches: switches.map(encodeSwitch),
  };
}

function encodeSwitch({ name, index, ports }: ChainSwitchView): MessageInitShape<typeof ChainSwitchSchema> {
  return { name, index, ports: ports.map(encodeChainPort) };
}

function encodeChainPort(port: ChainPortView): MessageInitShape<typeof ChainPortSchema> {
  const { key, words, wire, ofport, target, far, leg, dpfId } = port;
  return {
    key,
    selector: words,
    wire: wire.kind,
    ...optional('vlan', wire.kind === 'tag' ? uint32(wire.vid) : undefined),
    ...optional('interface', port.interface),
    ...optional('ofport', uint32(ofport)),
    ...optional('target', target && { ...target }),
    ...optional('far', far && { ...far }),
    ...optional('leg', leg && encodeLeg(leg)),
    ...optional('dpfId', dpfId),
  };
}

function encodeLeg(leg: NonNullable<ChainPortView['leg']>): MessageInitShape<typeof ChainPortSchema>['leg'] & object {
  const { bridge, target, targetOfport, patch, patchOfport } = leg;
  return {
    bridge,
    target,
    ...optional('targetOfport', uint32(targetOfport)),
    patch,
    ...optional('patchOfport', uint32(patchOfport)),
  };
}
