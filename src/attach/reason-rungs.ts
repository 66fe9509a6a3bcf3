/**
 * At which rung of the ladder each reason of an attachment breaks it, with cause, remedy and the command to look or mend. A
 * test keeps it complete: whatever the planner or the loop can say of an attachment stands here once. Pure.
 */

import { safeText } from '../lib/text.js';
import type { Reason } from '../model/reasons.js';
import type { AttachSummary, RungName } from './ladder.js';
import {
  annotationCommand,
  bindingCommand,
  definitionCommand,
  functionMacCommand,
  ifaceIdCommand,
  interfaceCommand,
  leaseCommand,
  linkCommand,
  linkUpCommand,
  podCommand,
  socketCommand,
  whyLabelCommand,
  type CommandNames,
} from './look-commands.js';

/** What a cause, a remedy or a command may name. */
export interface Subject extends CommandNames {
  readonly mode: AttachSummary['mode'];
  /** The agent's own sentence. */
  readonly message: string;
  readonly heldBy: string | undefined;
  readonly evidence: Readonly<Record<string, string>>;
}

type Text = (subject: Subject) => string;

export interface ReasonRung {
  readonly rung: RungName;
  readonly cause: Text;
  readonly remedy: Text;
  readonly command: Text;
}

/** The agent's sentence names everything already. */
const said: Text = ({ message }) => safeText(message, 500);

function at(rung: RungName, cause: Text, remedy: string | Text, command: string | Text): ReasonRung {
  const text = (value: string | Text): Text => (typeof value === 'string' ? () => value : value);
  return { rung, cause, remedy: text(remedy), command: text(command) };
}

const journal = 'dpuctl journal';
const wait = (otherwise: string): string => `Wait a moment; if it lasts, ${otherwise}`;

/** Why nothing is written now, by mode of the loop. */
const readOnlyCauses: Readonly<Partial<Record<AttachSummary['mode'], string>>> = {
  observe: 'The agent only observes, and nobody else has plugged the port (ovnkube-node in mode dpu would do it).',
  standby: 'Another agent of the same owner holds the lock of the database, and has not plugged the port.',
  bootGrace: 'The agent has only just started and writes nothing yet (agent.bootGraceMs).',
};
const readOnlyRemedies: Readonly<Partial<Record<AttachSummary['mode'], string>>> = {
  observe: 'Read the log of ovnkube-node on this DPU; or, where it does not run, set attach.mode to attach.',
  standby: 'Look at the other agent, or stop it.',
  bootGrace: 'Wait; it begins by itself.',
};

export const reasonRungs = {
  ClusterUnavailable: at(
    'pod',
    said,
    'Look at the network to the API server of the host cluster, and at the credentials in hostCluster.',
    'dpuctl status',
  ),
  PodMissing: at(
    'pod',
    said,
    'Nothing, if the pod was deleted; its port is removed after attach.goneGraceMs.',
    (subject) => podCommand(subject, '-o', 'wide'),
  ),
  PodNotEligible: at('pod', said, 'Find out who wrote connection details to such a pod.', (subject) =>
    podCommand(subject, '-o', 'yaml'),
  ),
  NotAttached: at(
    'details',
    said,
    'Nothing, if the pod uses no function of this DPU; else look at the CNI on the host: ovnkube-node in mode dpu-host writes the details.',
    (subject) => annotationCommand(subject, 'dpu.connection-details'),
  ),
  DetailsInvalid: at(
    'details',
    said,
    'Correct the writer of the annotation (the host half writes it); an attached port stays as it is.',
    (subject) => annotationCommand(subject, 'dpu.connection-details'),
  ),
  ResourceNotRequested: at(
    'claim',
    said,
    'Have the pod ask for a function in its resources, or correct attach.resourceNames.',
    (subject) => podCommand(subject, '-o', 'jsonpath={.spec.containers[*].resources}'),
  ),
  RepresentorReserved: at(
    'claim',
    said,
    'Nothing, if the pod is hostile; else correct attach.reserved and attach.pools.',
    'dpu-node-agent config show',
  ),
  RepresentorClaimedTwice: at(
    'claim',
    said,
    'Delete the pod that is wrong: the holder keeps the function until it is gone or has released it.',
    ({ heldBy }) => whyLabelCommand(heldBy),
  ),
  RepresentorMissing: at(
    'representor',
    said,
    'See whether the host has made its VFs, and whether the eSwitch is in switchdev mode.',
    'devlink port show',
  ),
  RepresentorAmbiguous: at(
    'representor',
    said,
    'Set representors.hostController, or find out why two devices stand for one function.',
    'devlink port show',
  ),
  NetdevsUnknown: at(
    'representor',
    said,
    wait('see whether /sys of the host is mounted into the container.'),
    'ip -d link show',
  ),
  PodNetworkMissing: at(
    'network',
    said,
    'See whether ovnkube-controller runs on the host cluster: it gives the pod its address.',
    (subject) => annotationCommand(subject, 'pod-networks'),
  ),
  PodNetworkInvalid: at('network', said, 'Correct what wrote the annotation.', (subject) =>
    annotationCommand(subject, 'pod-networks'),
  ),
  NetworkUnknown: at(
    'network',
    said,
    'See whether the NetworkAttachmentDefinition exists and is well formed, and whether the agent may list them.',
    definitionCommand,
  ),
  EncapIpUnknown: at(
    'network',
    said,
    'Add the uplink of the function to external_ids:ovn-pf-encap-ip-mapping, or remove the key.',
    'ovs-vsctl get Open_vSwitch . external_ids',
  ),
  ReadOnly: at(
    'lease',
    ({ mode, message }) => readOnlyCauses[mode] ?? safeText(message, 500),
    ({ mode }) => readOnlyRemedies[mode] ?? 'See why the agent does not write.',
    (subject) => (subject.mode === 'observe' ? ifaceIdCommand(subject) : 'dpuctl status'),
  ),
  LeaseForeign: at(
    'lease',
    said,
    'Run one writer only: stop ovnkube-node in mode dpu, or set attach.mode to observe.',
    leaseCommand,
  ),
  LeaseUnknown: at('lease', said, wait('allow the agent to get, create and update the lease.'), leaseCommand),
  ClusterForbidden: at(
    'pod',
    said,
    'Grant what the message names, as deploy/host-cluster/rbac.yaml does.',
    'kubectl auth can-i --list --as=system:serviceaccount:dpu-node-agent:dpu-NODE',
  ),
  ClockSkewed: at('lease', said, 'Set the clocks of both machines by NTP.', 'chronyc tracking'),
  OvsdbUnavailable: at(
    'port',
    said,
    'See whether ovsdb-server runs, and whether its socket is mounted into the container.',
    'ovs-vsctl show',
  ),
  BridgeAbsent: at(
    'port',
    said,
    'Start what creates the bridge (for br-int: ovn-controller), or declare it in the configuration with mode own.',
    'ovs-vsctl list-br',
  ),
  RepresentorForeign: at(
    'port',
    said,
    'Find out whose port it is, and remove it if it is left over; the agent does not touch it.',
    (subject) => interfaceCommand(subject),
  ),
  IfaceIdTaken: at(
    'port',
    said,
    'Remove the port that is left over, or give one of the two networks another name.',
    ifaceIdCommand,
  ),
  DetachPending: at('port', said, wait('look at the journal.'), journal),
  Restless: at(
    'port',
    said,
    'Find what changes the annotations of the pod, or the rows of its port, again and again; the pace is normal again after two quiet minutes.',
    (subject) => podCommand(subject, '-o', 'yaml', '--watch'),
  ),
  TransactionRefused: at('port', said, 'Correct what the database names; it is tried again with backoff.', journal),
  NotApplied: at('port', said, wait('look at the journal.'), journal),
  DeviceRecreated: at(
    'port',
    said,
    'Nothing, the agent re-attaches it; if it repeats, find what creates the device again and again.',
    (subject) => interfaceCommand(subject, 'name,ifindex,ofport,error'),
  ),
  VswitchdSilent: at(
    'ofport',
    said,
    'See whether ovs-vswitchd runs, and whether its run directory is mounted into the container.',
    'ovs-appctl -t ovs-vswitchd version',
  ),
  VswitchdDenied: at(
    'ofport',
    said,
    'Run the agent as the user or in the group that owns the socket, or grant it with an ACL.',
    socketCommand,
  ),
  VswitchdUnasked: at('ofport', said, wait('see whether ovs-vswitchd runs.'), 'ovs-appctl -t ovs-vswitchd version'),
  InterfaceError: at(
    'ofport',
    said,
    "Mend what Open vSwitch names: a missing device, a type that this build does not have, a device in another's hands.",
    (subject) => interfaceCommand(subject, 'name,type,ofport,error,options'),
  ),
  OfportPending: at('ofport', said, wait('read the log of ovs-vswitchd.'), (subject) =>
    interfaceCommand(subject, 'name,type,ofport,error,options'),
  ),
  LinkRefused: at(
    'link',
    said,
    'Mend what the kernel names; often a privilege is missing (CAP_NET_ADMIN).',
    linkUpCommand,
  ),
  LinkDown: at('link', said, wait('see whether the host has switched its side of the function on.'), linkCommand),
  FunctionMacDiffers: at(
    'ifaceId',
    said,
    'Have the function take the address of the pod, or set attach.functionMac to report.',
    (subject) => functionMacCommand(subject, subject.evidence['attached_mac']),
  ),
  OvnNotInstalled: at(
    'ovn',
    said,
    "See whether ovn-controller runs, and whether the logical switch port exists and asks for this chassis and the pod's uid (iface-id-ver).",
    bindingCommand,
  ),
} as const satisfies Partial<Record<Reason, ReasonRung>>;

/** Every reason that an attachment can carry, but for Ready. */
export type AttachReason = keyof typeof reasonRungs;

/** A reason that this version does not know comes from another version of the agent. */
const unknownReason: ReasonRung = at(
  'port',
  said,
  'Look the reason up in docs/errors.md of the agent that said it.',
  'dpuctl status',
);

function isAttachReason(reason: string): reason is AttachReason {
  return Object.hasOwn(reasonRungs, reason);
}

/** What is said of the reason; it must not be `Ready`. */
export function rungOfReason(reason: Reason): ReasonRung {
  return isAttachReason(reason) ? reasonRungs[reason] : unknownReason;
}
