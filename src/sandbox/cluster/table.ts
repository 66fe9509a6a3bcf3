/**
 * The columns that `kubectl get` shows for each kind, and their cells (k8s.io/kubernetes, pkg/printers/internalversion).
 * Pure: ages are told by the time handed in.
 */

import { isObject, listAt, objectAt, textAt, valueAt } from './json.js';
import type { Json, JsonObject } from './json.js';
import { podReady, podRestarts, podStatus } from './pod-cells.js';
import type { ResourceType } from './resource-type.js';

interface Column {
  readonly name: string;
  /** Shown with `-o wide` only. */
  readonly isWide?: boolean;
  readonly cell: (object: JsonObject, nowMs: number) => string;
}

/** A time span as kubectl words it: `5s`, `3m20s`, `2h`, `4d`. */
export function ageText(timestamp: string, nowMs: number): string {
  const thenMs = Date.parse(timestamp);
  if (Number.isNaN(thenMs)) return '<unknown>';
  const seconds = Math.max(0, Math.floor((nowMs - thenMs) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  return days < 730 ? `${days}d` : `${Math.floor(days / 365)}y`;
}

const nameColumn: Column = { name: 'Name', cell: (object) => textAt(object, 'metadata', 'name') };
const ageColumn: Column = {
  name: 'Age',
  cell: (object, nowMs) => ageText(textAt(object, 'metadata', 'creationTimestamp'), nowMs),
};

const text =
  (...path: readonly string[]) =>
  (object: JsonObject): string =>
    textAt(object, ...path);
const orNone = (value: string): string => (value === '' ? '<none>' : value);

function nodeStatus(node: JsonObject): string {
  const ready = listAt(node, 'status', 'conditions').find(
    (entry) => isObject(entry) && textAt(entry, 'type') === 'Ready',
  );
  const state = !isObject(ready) ? 'Unknown' : textAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return valueAt(node, 'spec', 'unschedulable') === true ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(node: JsonObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const labels = Object.keys(objectAt(node, 'metadata', 'labels') ?? {});
  const roles = labels.filter((label) => label.startsWith(prefix)).map((label) => label.slice(prefix.length));
  return orNone(roles.sort().join(','));
}

function nodeAddress(type: string): (node: JsonObject) => string {
  return (node) => {
    const found = listAt(node, 'status', 'addresses').find(
      (entry) => isObject(entry) && textAt(entry, 'type') === type,
    );
    return orNone(isObject(found) ? textAt(found, 'address') : '');
  };
}

const podColumns: readonly Column[] = [
  nameColumn,
  { name: 'Ready', cell: podReady },
  { name: 'Status', cell: podStatus },
  { name: 'Restarts', cell: podRestarts },
  ageColumn,
  { name: 'IP', isWide: true, cell: (pod) => orNone(textAt(pod, 'status', 'podIP')) },
  { name: 'Node', isWide: true, cell: (pod) => orNone(textAt(pod, 'spec', 'nodeName')) },
  { name: 'Nominated Node', isWide: true, cell: (pod) => orNone(textAt(pod, 'status', 'nominatedNodeName')) },
  { name: 'Readiness Gates', isWide: true, cell: () => '<none>' },
];

const nodeColumns: readonly Column[] = [
  nameColumn,
  { name: 'Status', cell: nodeStatus },
  { name: 'Roles', cell: nodeRoles },
  ageColumn,
  { name: 'Version', cell: text('status', 'nodeInfo', 'kubeletVersion') },
  { name: 'Internal-IP', isWide: true, cell: nodeAddress('InternalIP') },
  { name: 'External-IP', isWide: true, cell: nodeAddress('ExternalIP') },
];

/** When an event was last seen, of the newer kind or the older. */
function lastSeen(event: JsonObject): string {
  const times = [
    textAt(event, 'series', 'lastObservedTime'),
    textAt(event, 'lastTimestamp'),
    textAt(event, 'deprecatedLastTimestamp'),
    textAt(event, 'eventTime'),
    textAt(event, 'metadata', 'creationTimestamp'),
  ];
  return times.find((time) => time !== '') ?? '';
}

function eventObject(event: JsonObject): string {
  const about = objectAt(event, 'involvedObject') ?? objectAt(event, 'regarding');
  return `${textAt(about, 'kind').toLowerCase()}/${textAt(about, 'name')}`;
}

const eventColumns: readonly Column[] = [
  { name: 'Last Seen', cell: (event, nowMs) => ageText(lastSeen(event), nowMs) },
  { name: 'Type', cell: text('type') },
  { name: 'Reason', cell: text('reason') },
  { name: 'Object', cell: eventObject },
  { name: 'Message', cell: (event) => (textAt(event, 'message') || textAt(event, 'note')).trim() },
  { name: 'Name', isWide: true, cell: text('metadata', 'name') },
];

const columns: Readonly<Record<string, readonly Column[]>> = {
  pods: podColumns,
  nodes: nodeColumns,
  events: eventColumns,
  namespaces: [nameColumn, { name: 'Status', cell: text('status', 'phase') }, ageColumn],
  leases: [nameColumn, { name: 'Holder', cell: text('spec', 'holderIdentity') }, ageColumn],
  rolebindings: [nameColumn, { name: 'Role', cell: roleOf }, ageColumn],
  clusterrolebindings: [nameColumn, { name: 'Role', cell: roleOf }, ageColumn],
};

function roleOf(binding: JsonObject): string {
  return `${textAt(binding, 'roleRef', 'kind')}/${textAt(binding, 'roleRef', 'name')}`;
}

function columnsFor(type: ResourceType): readonly Column[] {
  return columns[type.storedIn] ?? [nameColumn, ageColumn];
}

/** The head of the table. */
export function columnsOf(type: ResourceType): Json {
  return columnsFor(type).map((column) => ({
    name: column.name,
    type: 'string',
    format: column.name === 'Name' ? 'name' : '',
    description: '',
    priority: column.isWide === true ? 1 : 0,
  }));
}

/** One row. */
export function rowOf(type: ResourceType, object: JsonObject, nowMs: number): Json {
  return columnsFor(type).map((column) => column.cell(object, nowMs));
}
