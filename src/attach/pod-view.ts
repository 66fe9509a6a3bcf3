/**
 * Reduces a pod, as the API server gives it, to what the agent keeps of it. The adapter that watches pods uses it for every
 * object, so that memory is bounded by this view and not by what a tenant writes. Parses no annotation.
 */

import type { AnnotationText, PodAnnotations, PodView } from '../model/pod.js';
import { statusLimits } from './connection-status.js';
import { isNamespaceName, isObjectName } from './nad-key.js';
import { annotationLimits, isJsonObject } from './parse-object.js';
import type { JsonObject } from './parse-object.js';
import { parseQuantity } from './quantity.js';

const emptyObject: JsonObject = {};
// A uid is opaque, but goes into an external_ids value that others split at blanks.
const uidPattern = /^[0-9a-zA-Z._-]{1,128}$/;
const versionPattern = /^[\x21-\x7e]{1,128}$/;
/** Extended resources of one pod; more are not kept. */
const resourceCountMax = 64;
/** More functions than a machine has. */
const resourceAmountMax = 65_535n;
// A subdomain, a slash and a name of up to 63 characters.
const resourcePattern = /^[a-z0-9][a-z0-9.-]{0,252}\/[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;
// RFC 3339, as Kubernetes writes a time.
const timePattern = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?Z$/;

/** The view of a pod; undefined when `object` has not a usable uid, namespace and name. */
export function podViewOf(object: unknown): PodView | undefined {
  const pod = isJsonObject(object) ? object : emptyObject;
  const metadata = objectIn(pod, 'metadata');
  const uid = textIn(metadata, 'uid');
  const namespace = textIn(metadata, 'namespace');
  const name = textIn(metadata, 'name');
  if (!uidPattern.test(uid) || !isNamespaceName(namespace) || !isObjectName(name)) return undefined;
  const spec = objectIn(pod, 'spec');
  const annotations = objectIn(metadata, 'annotations');
  const nodeName = textIn(spec, 'nodeName');
  const version = textIn(metadata, 'resourceVersion');
  return {
    uid,
    namespace,
    name,
    nodeName: isObjectName(nodeName) ? nodeName : '',
    resourceVersion: versionPattern.test(version) ? version : '',
    createdMs: timeMs(textIn(metadata, 'creationTimestamp')),
    isHostNetwork: valueIn(spec, 'hostNetwork') === true,
    isTerminal: ['Succeeded', 'Failed'].includes(textIn(objectIn(pod, 'status'), 'phase')),
    isDeleting: textIn(metadata, 'deletionTimestamp') !== '',
    resources: resourcesOf(spec),
    hasAnnotations: Object.keys(annotations).length > 0,
    annotations: annotationsOf(annotations),
  };
}

function annotationsOf(annotations: JsonObject): PodAnnotations {
  const text = (key: string, sizeBytesMax = annotationLimits.sizeBytesMax): AnnotationText =>
    bounded(valueIn(annotations, key), sizeBytesMax);
  return {
    details: text('k8s.ovn.org/dpu.connection-details'),
    status: text('k8s.ovn.org/dpu.connection-status', statusLimits.sizeBytesMax),
    networks: text('k8s.ovn.org/pod-networks'),
    ingressBandwidth: text('kubernetes.io/ingress-bandwidth'),
    egressBandwidth: text('kubernetes.io/egress-bandwidth'),
  };
}

function bounded(value: unknown, sizeBytesMax: number): AnnotationText {
  if (typeof value !== 'string') return undefined;
  const sizeBytes = Buffer.byteLength(value);
  return sizeBytes > sizeBytesMax ? { sizeBytes } : value;
}

/** How many of each extended resource the containers of a pod hold at once; those that run first give theirs back. */
function resourcesOf(spec: JsonObject): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const greatest = new Map<string, number>();
  for (const container of containersIn(spec, 'containers')) addUp(sums, container);
  for (const container of containersIn(spec, 'initContainers')) {
    // One that is always restarted stays beside the others (Kubernetes: sidecar containers).
    if (valueIn(container, 'restartPolicy') === 'Always') addUp(sums, container);
    else for (const [name, count] of amountsOf(container)) greatest.set(name, Math.max(greatest.get(name) ?? 0, count));
  }
  const names = [...new Set([...sums.keys(), ...greatest.keys()])].sort().slice(0, resourceCountMax);
  return new Map(names.map((name) => [name, Math.max(sums.get(name) ?? 0, greatest.get(name) ?? 0)]));
}

function containersIn(spec: JsonObject, key: string): readonly JsonObject[] {
  const containers = valueIn(spec, key);
  const list: readonly unknown[] = Array.isArray(containers) ? containers : [];
  return list.filter(isJsonObject);
}

function addUp(sums: Map<string, number>, container: JsonObject): void {
  for (const [name, count] of amountsOf(container)) sums.set(name, (sums.get(name) ?? 0) + count);
}

/** Limits count as well: Kubernetes fills in the requests of extended resources from them. */
function amountsOf(container: JsonObject): ReadonlyMap<string, number> {
  const resources = objectIn(container, 'resources');
  const amounts = new Map<string, number>();
  for (const kind of ['requests', 'limits']) {
    for (const [name, amount] of Object.entries(objectIn(resources, kind))) {
      const count = resourcePattern.test(name) ? countOf(amount) : 0;
      if (count > 0) amounts.set(name, Math.max(amounts.get(name) ?? 0, count));
    }
  }
  return amounts;
}

/** Extended resources are counted in whole pieces; what is no quantity counts as none. */
function countOf(amount: unknown): number {
  const text = typeof amount === 'number' ? String(amount) : amount;
  const quantity = typeof text === 'string' ? parseQuantity(text) : undefined;
  if (quantity === undefined || quantity < 0n) return 0;
  return quantity > resourceAmountMax ? Number(resourceAmountMax) : Number(quantity);
}

function timeMs(text: string): number {
  const parsed = timePattern.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(parsed) ? 0 : parsed;
}

function valueIn(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function textIn(object: JsonObject, key: string): string {
  const value = valueIn(object, key);
  return typeof value === 'string' ? value : '';
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = valueIn(object, key);
  return isJsonObject(value) ? value : emptyObject;
}
