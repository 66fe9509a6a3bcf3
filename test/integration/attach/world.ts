/**
 * What is true of a host cluster with its DPU, read by ovs-vsctl and from the API server's own store: each pod's ports
 * against what its status says. Used by the end-to-end tests of attaching; knows nothing of the agent's insides.
 */

import { runTool } from '../../../src/sandbox/lab/ovs.js';
import { Daemon } from '../../../src/sandbox/lab/daemon.js';
import type { PodObject } from '../../../src/sandbox/lab/host-api.js';
import type { RunningPod } from '../../../src/sandbox/lab/host-half.js';
import { detailsAnnotation, logicalPortName, statusAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { eventually, type AttachRig } from './attach-rig.js';

type Entries<T> = Readonly<Record<string, T>>;

/** A port with its only interface. */
export interface PortRow {
  readonly name: string;
  /** Of Port and Interface. */
  readonly uuids: readonly [string, string];
  /** Of the QoS row, or none. */
  readonly qos: string | undefined;
  readonly ofport: number;
  readonly ids: Entries<string>;
  readonly policingRate: number;
  /** Made by the agent for a pod. */
  readonly isOwn: boolean;
}

export interface QosRow {
  readonly uuid: string;
  readonly ids: Entries<string>;
  readonly config: Entries<string>;
}

export interface Rows {
  readonly ports: ReadonlyMap<string, PortRow>;
  readonly qos: ReadonlyMap<string, QosRow>;
}

type Cell = string | number | readonly [string, unknown];
type Row = Entries<Cell>;

const ownerKey = 'dpu-agent-owner';

function parseTable(text: string): readonly Row[] {
  const { headings, data } = JSON.parse(text) as { headings: readonly string[]; data: readonly (readonly Cell[])[] };
  return data.map((cells) => Object.fromEntries(headings.map((heading, index) => [heading, cells[index] ?? ''])));
}

const mapOf = (cell: Cell | undefined): Entries<string> =>
  Array.isArray(cell) && cell[0] === 'map' ? Object.fromEntries(cell[1] as readonly [string, string][]) : {};

const uuidOf = (cell: Cell | undefined): string | undefined =>
  Array.isArray(cell) && cell[0] === 'uuid' ? String(cell[1]) : undefined;

/** Ports, interfaces and limits as they are in the database, by one call of ovs-vsctl. */
export async function readRows({ ovs }: AttachRig): Promise<Rows> {
  const base = [`--db=unix:${ovs.socket}`, '--timeout=10', '--no-wait', '--format=json'];
  const lists = [
    ['--columns=_uuid,name,interfaces,qos,external_ids', 'list', 'Port'],
    ['--', '--columns=_uuid,name,ofport,external_ids,ingress_policing_rate', 'list', 'Interface'],
    ['--', '--columns=_uuid,external_ids,other_config', 'list', 'QoS'],
  ];
  const text = await runTool(ovs.env, 'ovs-vsctl', [...base, ...lists.flat()]);
  // Each table is a line; an empty one is there as well.
  const [ports = [], interfaces = [], qos = []] = text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map(parseTable);
  const byName = new Map(interfaces.map((row) => [String(row['name']), row]));
  return {
    ports: new Map(ports.map((port) => [String(port['name']), portRow(port, byName.get(String(port['name'])) ?? {})])),
    qos: new Map(
      qos.map((row) => {
        const uuid = uuidOf(row['_uuid']) ?? '';
        return [uuid, { uuid, ids: mapOf(row['external_ids']), config: mapOf(row['other_config']) }];
      }),
    ),
  };
}

function portRow(port: Row, entry: Row): PortRow {
  const ofport = entry['ofport'];
  return {
    name: String(port['name']),
    uuids: [uuidOf(port['_uuid']) ?? '', uuidOf(entry['_uuid']) ?? ''],
    qos: uuidOf(port['qos']),
    ofport: typeof ofport === 'number' ? ofport : 0,
    ids: mapOf(entry['external_ids']),
    policingRate: Number(entry['ingress_policing_rate'] ?? 0),
    isOwn: mapOf(port['external_ids'])[ownerKey]?.endsWith('/pods') === true,
  };
}

interface Details {
  readonly pfId: string;
  readonly vfId: string;
  readonly sandboxId: string;
}

/** One network that a pod's host half has asked for. */
export interface Wish {
  readonly label: string;
  readonly uid: string;
  readonly nadKey: string;
  readonly port: string;
  readonly ifaceId: string;
  readonly sandboxId: string;
  readonly status: string | undefined;
}

/** The pods as the API server has them, whether it runs or not. */
export const podsOf = ({ cluster }: AttachRig): readonly PodObject[] =>
  cluster.direct.list('pods') as unknown as readonly PodObject[];

export function annotation<T>({ metadata }: PodObject, key: string): Entries<T> {
  return JSON.parse(metadata.annotations?.[key] ?? '{}') as Entries<T>;
}

export function statusOf(pod: PodObject, nadKey = 'default'): { Status: string; Reason?: string } | undefined {
  return annotation<{ Status: string; Reason?: string }>(pod, statusAnnotation)[nadKey];
}

/** The pod of this name as the API server has it. */
export function podNamed(rig: AttachRig, name: string): PodObject {
  const pod = podsOf(rig).find(({ metadata }) => metadata.name === name);
  if (pod === undefined) throw new Error(`there is no pod ${name}`);
  return pod;
}

/** Everything that is asked for. */
export function wishes(pods: readonly PodObject[]): readonly Wish[] {
  return pods.flatMap((pod) =>
    Object.entries(annotation<Details>(pod, detailsAnnotation)).map(([nadKey, { pfId, vfId, sandboxId }]) => ({
      label: `${pod.metadata.name} ${nadKey}`,
      uid: pod.metadata.uid,
      nadKey,
      port: `rep${pfId}-${vfId}`,
      ifaceId: logicalPortName(nadKey, pod.metadata),
      sandboxId,
      status: statusOf(pod, nadKey)?.Status,
    })),
  );
}

const isPortOf = ({ ids }: PortRow, { ifaceId, uid, sandboxId }: Wish): boolean =>
  ids['iface-id'] === ifaceId && ids['iface-id-ver'] === uid && ids['sandbox'] === sandboxId;

function isPlugged({ ports }: Rows, wish: Wish, isOvn: boolean): boolean {
  const row = ports.get(wish.port);
  if (row === undefined || !isPortOf(row, wish)) return false;
  return row.ofport > 0 && (!isOvn || row.ids['ovn-installed'] === 'true');
}

/** What is not as it has to be in the end: Ready exactly where the port works, nothing left over. */
export async function differences(rig: AttachRig): Promise<readonly string[]> {
  const rows = await readRows(rig);
  const pods = podsOf(rig);
  const wanted = wishes(pods);
  const found: string[] = [];
  for (const wish of wanted) {
    const plugged = isPlugged(rows, wish, rig.ovn !== undefined);
    if (!plugged) found.push(`${wish.label} is not plugged, status ${wish.status ?? 'absent'}`);
    else if (wish.status !== 'Ready') found.push(`${wish.label} is plugged, status ${wish.status ?? 'absent'}`);
  }
  for (const pod of pods) {
    const keys = Object.keys(annotation<Details>(pod, detailsAnnotation));
    const stale = Object.keys(annotation<unknown>(pod, statusAnnotation)).filter((key) => !keys.includes(key));
    for (const key of stale) found.push(`${pod.metadata.name} ${key} has a status and no details`);
  }
  const used = new Set<string | undefined>();
  for (const row of rows.ports.values()) {
    used.add(row.qos);
    if (row.isOwn && !wanted.some((wish) => wish.port === row.name && isPortOf(row, wish))) {
      found.push(`port ${row.name} of ${row.ids['iface-id'] ?? 'nobody'} is left over`);
    }
  }
  for (const { uuid, ids } of rows.qos.values()) {
    if (ownerKey in ids && !used.has(uuid)) found.push(`QoS row ${uuid} is left over`);
  }
  return found;
}

/** Waits until nothing differs. */
export async function converged(rig: AttachRig, waitMsMax = 20_000): Promise<void> {
  let last: readonly string[] = [];
  try {
    await eventually(
      async () => {
        last = await differences(rig);
        return last.length === 0;
      },
      'the cluster and the switch agree',
      waitMsMax,
    );
  } catch (cause) {
    throw new Error(`does not converge: ${last.slice(0, 10).join('; ')} (${last.length} in all)`, { cause });
  }
}

/** Pods that were called Ready throughout, although their port was not there in between. */
export async function lies(rig: AttachRig): Promise<readonly string[]> {
  const before = wishes(podsOf(rig));
  const rows = await readRows(rig);
  const after = new Map(wishes(podsOf(rig)).map((wish) => [`${wish.uid} ${wish.nadKey}`, wish]));
  return before
    .filter((wish) => JSON.stringify(after.get(`${wish.uid} ${wish.nadKey}`)) === JSON.stringify(wish))
    .filter((wish) => wish.status === 'Ready' && !isPlugged(rows, wish, rig.ovn !== undefined))
    .map(({ label, port }) => `${label} is called Ready, and ${port} is not`);
}

export const addressOf = ({ interfaces }: RunningPod, index = 0): string =>
  interfaces[index]?.cidrs[0]?.split('/')[0] ?? '';

/** Packets from one pod to another, twenty in a second, until they are counted. */
export class PingStream {
  readonly #daemon: Daemon;

  constructor({ hosts }: AttachRig, from: RunningPod, to: RunningPod) {
    const place = hosts.namespaces.name(from.role);
    const command = ['ip', 'netns', 'exec', place, 'ping', '-n', '-i', '0.05', '-W', '1', addressOf(to)];
    this.#daemon = new Daemon(command, { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}` });
    this.#daemon.start();
  }

  /** Returns once `count` answers came. */
  async answers(count: number): Promise<void> {
    await eventually(() => this.#daemon.output.split('bytes from').length > count, `${count} answers`);
  }

  /** Packets without an answer, but for the one that is under way. */
  async lost(): Promise<number> {
    await this.#daemon.stop('SIGINT');
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(this.#daemon.output) ?? [];
    if (sent === undefined) throw new Error(`ping counts nothing: ${this.#daemon.output.slice(-500)}`);
    return Math.max(0, Number(sent) - Number(received) - 1);
  }
}

/** Two pods that are called Ready: `a` by VF 1, `b` by VF 2. */
export async function twoPods({ half }: AttachRig): Promise<readonly [RunningPod, RunningPod]> {
  const [first, second] = await half.runPods([
    { ...podRequest('a'), functions: [{ pf: 0, vf: 1 }] },
    { ...podRequest('b'), functions: [{ pf: 0, vf: 2 }] },
  ]);
  if (first === undefined || second === undefined) throw new Error('two pods were asked for');
  return [first, second];
}

export const podRequest = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

/** Requests of the agent's user that changed something, or tried to, since the audit was cleared. */
export function agentWrites({ cluster }: AttachRig, user: string): readonly string[] {
  return cluster.audit.writes(user).map(({ verb, resource, subresource, namespace, name, status }) => {
    return `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`} ${namespace ?? ''}/${name} ${status}`;
  });
}
