/** The commands that `why` proposes, with the real names filled in; where a name cannot be written exactly, without it. Pure. */

import { parseNadKey } from './nad-key.js';
import { databaseText, isBareName, plain, shellCommand } from './shell-command.js';

/** What a command may name. Texts are as the agent shows them, and hostile. */
export interface CommandNames {
  readonly namespace: string;
  readonly name: string;
  readonly nadKey: string | undefined;
  readonly nodeName: string | undefined;
  readonly device: string | undefined;
  readonly ifaceId: string | undefined;
  readonly bridge: string;
  readonly ovsRunDir: string;
}

type Pod = Pick<CommandNames, 'namespace' | 'name'>;

export function podCommand({ namespace, name }: Pod, ...output: readonly string[]): string {
  const command = shellCommand('kubectl', 'get', 'pod', '-n', plain(namespace), plain(name), ...output);
  return command ?? 'kubectl get pods -A -o wide';
}

/** @param key the annotation's name without `k8s.ovn.org/` */
export function annotationCommand(pod: Pod, key: string): string {
  const path = `jsonpath={.metadata.annotations.k8s\\.ovn\\.org/${key.replaceAll('.', '\\.')}}`;
  return podCommand(pod, '-o', path);
}

export function whyCommand(namespace: string | undefined, name: string | undefined): string {
  const isKnown = namespace !== undefined && name !== undefined;
  return shellCommand('dpuctl', 'why', 'pod', isKnown ? plain(`${namespace}/${name}`) : undefined) ?? 'dpuctl pods';
}

/** Whose packets: `name` of a pod is `ns/pod`. */
export interface OffloadTarget {
  readonly kind: 'pod' | 'port' | 'chain';
  readonly name: string;
}

/** Why its packets are in software. */
export function offloadWhyCommand({ kind, name }: OffloadTarget): string {
  return shellCommand('dpuctl', 'offload', 'why', kind, plain(name)) ?? 'dpuctl offload top';
}

/** Of a pod that is named as the agent labels attachments: `ns/pod`, or `ns/pod network KEY`. */
export function whyLabelCommand(label: string | undefined): string {
  const [pod = ''] = (label ?? '').split(' ', 1);
  const [namespace, name] = pod.split('/');
  return whyCommand(namespace, name);
}

export function definitionCommand({ nadKey }: CommandNames): string {
  const nad = nadKey === undefined ? undefined : parseNadKey(nadKey);
  if (nad?.kind !== 'nad') return 'kubectl get net-attach-def -A';
  const { namespace, name } = nad;
  const words = ['kubectl', 'get', 'net-attach-def', '-n', plain(namespace), plain(name), '-o', 'yaml'];
  return shellCommand(...words) ?? 'kubectl get net-attach-def -A';
}

/** The row of the pod's interface. @param columns names with commas between */
export function interfaceCommand({ device }: CommandNames, columns = 'name,type,ofport,error,external_ids'): string {
  const start = ['ovs-vsctl', `--columns=${columns}`];
  const value = databaseText(device);
  if (device === undefined || value === undefined) return [...start, 'list', 'Interface'].join(' ');
  const words = isBareName(device) ? ['list', 'Interface', device] : ['find', 'Interface', `name=${value}`];
  return shellCommand(...start, ...words) ?? [...start, 'list', 'Interface'].join(' ');
}

/** Every interface that carries the pod's iface-id, whatever it is called. */
export function ifaceIdCommand({ ifaceId }: CommandNames): string {
  const value = databaseText(ifaceId);
  const start = ['ovs-vsctl', '--columns=name,ofport,error,external_ids'];
  const condition = value === undefined ? [] : [`external_ids:iface-id=${value}`];
  return shellCommand(...start, 'find', 'Interface', ...condition) ?? [...start, 'list', 'Interface'].join(' ');
}

/** The port as OVN sees it. */
export function bindingCommand({ ifaceId }: CommandNames): string {
  const value = databaseText(ifaceId);
  const condition = value === undefined ? [] : [`logical_port=${value}`];
  const columns = '--columns=logical_port,chassis,up,options,mac';
  return shellCommand('ovn-sbctl', columns, 'find', 'Port_Binding', ...condition) ?? 'ovn-sbctl show';
}

export function leaseCommand({ nodeName }: Pick<CommandNames, 'nodeName'>): string {
  const field = nodeName === undefined ? undefined : plain(`metadata.name=ovn-dpu-${nodeName}`);
  const words = ['kubectl', 'get', 'lease', '-A', '--field-selector', field, '-o', 'yaml'];
  return shellCommand(...words) ?? 'kubectl get lease -A';
}

export function linkCommand({ device }: CommandNames): string {
  return shellCommand('ip', '-s', '-d', 'link', 'show', 'dev', plain(device)) ?? 'ip -d link show';
}

export function linkUpCommand({ device }: CommandNames): string {
  return shellCommand('ip', 'link', 'set', 'dev', plain(device), 'up') ?? 'ip -d link show';
}

/** Gives the function the address of its pod. */
export function functionMacCommand({ device }: CommandNames, mac: string | undefined): string {
  const words = ['devlink', 'port', 'function', 'set', plain(device), 'hw_addr', plain(mac)];
  return shellCommand(...words) ?? 'devlink port show';
}

export function flowsCommand({ bridge }: Pick<CommandNames, 'bridge'>, ofport: string | undefined): string {
  const match = ofport === undefined || !/^\d+$/.test(ofport) ? undefined : `in_port=${ofport}`;
  const words = ['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', plain(bridge), match];
  return shellCommand(...words) ?? 'ovs-vsctl show';
}

export function socketCommand({ bridge, ovsRunDir }: CommandNames): string {
  return shellCommand('ls', '-l', plain(`${ovsRunDir}/${bridge}.mgmt`)) ?? 'ovs-vsctl show';
}
