/**
 * The DPU's lease as the API server writes it (coordination.k8s.io/v1), with the fields that ovn-kubernetes' lease manager
 * uses and the mark that this agent adds: what is read of it, and what a renewal looks like. Used by the lease keeper. Pure;
 * decides nothing.
 */

import { isJsonObject } from '../attach/parse-object.js';
import type { JsonObject } from '../attach/parse-object.js';
import type { LeaseMark, LeaseReading, LeaseWriter } from '../agent/lease-machine.js';
import { member, textMember } from '../kube/index.js';
import { safeText } from '../lib/text.js';

/** Annotation that repeats the `renewTime` which the agent wrote: another time was written by somebody else. */
export const renewTimeAnnotation = 'dpu-agent/renew-time';
/** Annotation that names the writer: `<owner>/<instance>`. */
export const writerAnnotation = 'dpu-agent/writer';

/** The node that owns the lease. */
export interface LeaseNode {
  readonly name: string;
  readonly uid: string;
}

/** What a renewal puts into the lease. */
export interface Renewal {
  readonly holderIdentity: string;
  readonly durationSeconds: number;
  /** As `microTime` writes it. */
  readonly renewTime: string;
  readonly writer: LeaseWriter;
  /** Undefined: its uid is not known, and the reference is left out. */
  readonly node: LeaseNode | undefined;
}

/** Names and times are far shorter; longer ones are cut, and stay different from anything of ours. */
const textLengthMax = 256;

/** `milliseconds since 1970` in the form of Kubernetes' MicroTime: six digits, in UTC. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}

/**
 * What the agent looks at in the lease; anything of an unexpected type counts as missing.
 * @param serverMs the API server's clock when it answered, ms since 1970; undefined when it did not say
 */
export function leaseReading(lease: unknown, serverMs: number | undefined): LeaseReading {
  const metadata = objectAt(lease, 'metadata');
  const spec = objectAt(lease, 'spec');
  const annotations = objectAt(metadata, 'annotations');
  const renewTime = textAt(spec, 'renewTime');
  const seconds = spec['leaseDurationSeconds'];
  const writing = renewalEntry(metadata);
  const writtenMs = Date.parse(textAt(writing, 'time') ?? '');
  const writtenAgoMs = serverMs === undefined || Number.isNaN(writtenMs) ? undefined : serverMs - writtenMs;
  return {
    uid: textAt(metadata, 'uid') ?? '',
    renewTime,
    acquireTime: textAt(spec, 'acquireTime'),
    durationMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined,
    mark: markOf(annotations),
    writtenBy: writerName(textAt(spec, 'holderIdentity'), textAt(writing, 'manager')),
    writtenAgoMs,
  };
}

/** The uid of any object. */
export function uidOf(object: unknown): string | undefined {
  return textAt(objectAt(object, 'metadata'), 'uid');
}

/** A lease that does not exist yet. */
export function newLease(namespace: string, name: string, renewal: Renewal): JsonObject {
  const empty = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: {} };
  return renewedLeaseObject(empty, renewal);
}

/** The lease with this renewal; everything else in it stays, as does its version, so that no other change is lost. */
export function renewedLeaseObject(lease: unknown, renewal: Renewal): JsonObject {
  const object = isJsonObject(lease) ? lease : {};
  const metadata = objectAt(object, 'metadata');
  const spec = objectAt(object, 'spec');
  const { renewTime, writer } = renewal;
  const mark = { [renewTimeAnnotation]: renewTime, [writerAnnotation]: `${writer.owner}/${writer.instance}` };
  return {
    ...object,
    metadata: {
      ...metadata,
      annotations: { ...objectAt(metadata, 'annotations'), ...mark },
      ownerReferences: ownersOf(metadata['ownerReferences'], renewal.node),
    },
    spec: {
      ...spec,
      holderIdentity: renewal.holderIdentity,
      leaseDurationSeconds: renewal.durationSeconds,
      renewTime,
      // Set once: equal to renewTime it tells the creation of a lease from a renewal.
      acquireTime: textAt(spec, 'acquireTime') ?? renewTime,
    },
  };
}

/** With the node's reference, as ovn-kubernetes writes it; a reference to an earlier node of that name is replaced. */
function ownersOf(owners: unknown, node: LeaseNode | undefined): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(owners) ? owners : [];
  if (node === undefined) return list;
  const others = list.filter((owner) => textAt(owner, 'kind') !== 'Node' || textAt(owner, 'name') !== node.name);
  // The API server allows one controller only.
  const isControlled = others.some((owner) => isJsonObject(owner) && owner['controller'] === true);
  const own = {
    apiVersion: 'v1',
    kind: 'Node',
    name: node.name,
    uid: node.uid,
    controller: !isControlled,
    blockOwnerDeletion: false,
  };
  return [...others, own];
}

function markOf(annotations: JsonObject): LeaseMark | undefined {
  const renewTime = textAt(annotations, renewTimeAnnotation);
  const writer = textAt(annotations, writerAnnotation);
  if (renewTime === undefined || writer === undefined) return undefined;
  const cut = writer.lastIndexOf('/');
  return { renewTime, owner: writer.slice(0, Math.max(cut, 0)), instance: writer.slice(cut + 1) };
}

/** Who wrote, for a person: the identity is the same for every DPU, the field manager is the program's name. */
function writerName(holder: string | undefined, manager: string | undefined): string {
  const name = safeText(holder ?? 'nobody named', 64);
  return manager === undefined ? name : `${name} (written by ${safeText(manager, 64)})`;
}

/**
 * The entry of metadata.managedFields whose program wrote renewTime last. The API server keeps it, with its own clock, for
 * every writer (structured-merge-diff); several entries may name the field, the newest tells.
 */
function renewalEntry(metadata: JsonObject): unknown {
  const entries: unknown = metadata['managedFields'];
  if (!Array.isArray(entries)) return undefined;
  const owners = entries.filter((entry) => 'f:renewTime' in objectAt(objectAt(entry, 'fieldsV1'), 'f:spec'));
  return owners.reduce<unknown>((newest, entry) => (timeOf(entry) >= timeOf(newest) ? entry : newest), undefined);
}

function timeOf(entry: unknown): number {
  const ms = Date.parse(textAt(entry, 'time') ?? '');
  return Number.isNaN(ms) ? -Infinity : ms;
}

function objectAt(parent: unknown, name: string): JsonObject {
  const value = member(parent, name);
  return isJsonObject(value) ? value : {};
}

function textAt(parent: unknown, name: string): string | undefined {
  return textMember(parent, name)?.slice(0, textLengthMax);
}
