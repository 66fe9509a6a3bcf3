/** Facts and status of the node in the words of `dpu/agent/v1/node.proto`. Pure. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MachineFacts, NodeFacts, OvsFacts, UplinkFacts } from '../../agent/api-view.js';
import type { AgentStatus } from '../../agent/status.js';
import type {
  AgentIdentitySchema,
  MachineSchema,
  NodeSchema,
  OpenVswitchSchema,
  StatusSchema,
  UplinkSchema,
} from '../../gen/proto/dpu/agent/v1/node_pb.js';
import {
  encodeAttachSummary,
  encodeCondition,
  encodeFinding,
  encodeOvsdbState,
  optional,
  optionalTimestamp,
  timestamp,
  uint32,
  uint64,
} from './common.js';

export type StatusMessage = MessageInitShape<typeof StatusSchema>;

function encodeIdentity(facts: NodeFacts, instanceId: string): MessageInitShape<typeof AgentIdentitySchema> {
  const { version, owner, startedWallMs, repair, attachMode, runtimeVersion, hostNodeName } = facts;
  const { configFile, stateDir, finder } = facts;
  return {
    version,
    owner,
    instanceId,
    startedAt: timestamp(startedWallMs),
    repair,
    attachMode,
    runtimeVersion,
    ...optional('hostNodeName', hostNodeName),
    ...optional('configFile', configFile),
    ...optional('stateDir', stateDir),
    ...optional('finder', finder),
  };
}

function encodeMachine(facts: MachineFacts): MessageInitShape<typeof MachineSchema> {
  const { hostname, product, serial, firmware, kernel, os, architecture, bootId, bootedWallMs } = facts;
  return {
    hostname,
    ...optional('product', product),
    ...optional('serial', serial),
    ...optional('firmware', firmware),
    kernel,
    ...optional('os', os),
    architecture,
    ...optional('bootId', bootId),
    ...optionalTimestamp('bootedAt', bootedWallMs),
    cores: facts.cores,
    memoryBytes: uint64(facts.memoryBytes),
    hugePages: facts.hugePages.map(({ sizeBytes, total, free }) => ({
      sizeBytes: uint64(sizeBytes),
      total: uint64(total),
      free: uint64(free),
    })),
  };
}

function encodeOvs(facts: OvsFacts): MessageInitShape<typeof OpenVswitchSchema> {
  return {
    ...optional('version', facts.version),
    ...optional('schemaVersion', facts.schemaVersion),
    ...optional('dpdkVersion', facts.dpdkVersion),
    ...optional('docaVersion', facts.docaVersion),
    isDpdkInitialized: facts.isDpdkInitialized,
    isDocaInitialized: facts.isDocaInitialized,
    datapathTypes: [...facts.datapathTypes],
    ...optional('engine', facts.engine),
    runDir: facts.runDir,
  };
}

function encodeUplink({
  name,
  port,
  hasCarrier,
  speedBps,
  mtu,
  mac,
}: UplinkFacts): MessageInitShape<typeof UplinkSchema> {
  return {
    name,
    ...optional('port', uint32(port)),
    hasCarrier,
    ...optional('speedBps', speedBps === undefined ? undefined : uint64(speedBps)),
    ...optional('mtu', uint32(mtu)),
    mac,
  };
}

export function encodeNode(facts: NodeFacts, instanceId: string): MessageInitShape<typeof NodeSchema> {
  return {
    agent: encodeIdentity(facts, instanceId),
    machine: encodeMachine(facts.machine),
    openVswitch: encodeOvs(facts.ovs),
    uplinks: facts.uplinks.map(encodeUplink),
    capabilities: facts.capabilities.map(({ name, isAvailable, message }) => ({
      name,
      isAvailable,
      ...optional('message', message),
    })),
  };
}

/** Whether a living agent would not have made a newer status by now. */
export function isFresh({ oldestLookWallMs, freshMs }: AgentStatus, nowWallMs: number): boolean {
  return nowWallMs - oldestLookWallMs <= freshMs;
}

/** @param fresh whether the status is fresh; one that is not proves nothing, so it says not ready */
export function encodeStatus(status: AgentStatus, fresh: boolean): StatusMessage {
  return {
    observedAt: timestamp(status.wallMs),
    oldestLookAt: timestamp(status.oldestLookWallMs),
    freshSeconds: status.freshMs / 1000,
    isReady: status.isReady && fresh,
    ovsdb: encodeOvsdbState(status.ovsdb),
    vswitchd: status.vswitchd,
    repair: status.repair,
    conditions: status.conditions.map(encodeCondition),
    findings: status.findings.map(encodeFinding),
    pendingCount: uint32(status.pendingCount) ?? 0,
    appliedRounds: uint64(status.appliedRounds),
    appliedActions: uint64(status.appliedActions),
    ...optional('attach', status.attach === undefined ? undefined : encodeAttachSummary(status.attach)),
    ovsRunDir: status.ovsRunDir,
  };
}

/** Fields that say when something was seen, and those that move with them although nothing happens. */
const restless: ReadonlySet<string> = new Set(['observedAt', 'oldestLookAt', 'at', 'clockSkewSeconds']);

/** A text that is equal for statuses that say the same, whenever they were made. */
export function statusVersion(message: StatusMessage): string {
  return JSON.stringify(message, (key, value: unknown) => {
    if (restless.has(key)) return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });
}
