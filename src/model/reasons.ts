/**
 * Every reason code that a condition or a finding can carry, with what it means and what to do. A code is an interface
 * to operators: listed in docs/errors.md (a test keeps the two equal) and never given a second meaning.
 */

import { offloadFindingReasons } from './offload-reasons.js';

/** Why something is not ready, or what is wrong, by stable code. */
export const reasons = {
  // Conditions of bridges and ports: evidence that is missing.
  Ready: 'All evidence was seen.',
  NotApplied: 'The change is planned and not committed yet.',
  BridgeAbsent: 'The bridge does not exist, and the mode of the intent does not let the agent create it.',
  BridgeNotMade: 'The bridge row exists, but Open vSwitch did not make a switch for it.',
  VswitchdSilent: 'ovs-vswitchd gives no live answer, so what the database says may be left from before it died.',
  VswitchdDenied: 'The agent may not open the management socket of the bridge, so nothing proves that it works.',
  VswitchdUnasked: 'ovs-vswitchd was asked for a live answer just now and has not had the time to give it.',
  VswitchdLagging: 'ovs-vswitchd has not yet applied the newest configuration.',
  OfportPending: 'Open vSwitch has not given the port a number yet.',
  OfportDiffers: 'The port has another OpenFlow number than the one requested.',
  InterfaceError: 'Open vSwitch could not open the interface.',
  PatchPeerMissing: 'The patch port has no usable peer.',
  LinkDown: 'The link of the interface is down.',
  NetdevsUnknown: 'The network devices of this machine have not been read, so nothing can be compared.',
  NetdevMissing: 'The network device does not exist on this machine; the port is added as soon as it appears.',
  NetdevAmbiguous: 'More than one network device answers to the selector.',
  DeviceRecreated: 'The network device was created anew under Open vSwitch and carries no traffic until re-attached.',
  MtuRefused: 'The interface did not take the requested MTU.',
  PortsNotReady: 'The bridge works, but some of its ports are not ready.',
  TransactionRefused: 'The database refused the change of this object; it is tried again with backoff.',
  Contested: 'Somebody undoes the repairs of the object again and again, so it is repaired at a slower pace.',
  ReadOnly: 'The agent is told to observe only, so the difference is not repaired.',
  OvsdbUnavailable: 'There is no usable connection to the Open vSwitch database.',
  // Conditions of attachments: a network of a host-cluster pod, plugged by a representor.
  DetailsInvalid: "The pod's connection details cannot be used as they are written.",
  PodNotEligible: 'The pod runs in the network of its host, or has ended, and can own no function.',
  ResourceNotRequested: 'The pod asks for none of the resources that stand for a function of this DPU.',
  PodNetworkMissing: 'The host cluster has not given the pod an address in this network yet.',
  PodNetworkInvalid: 'What the host cluster says of the address of the pod in this network cannot be used.',
  NetworkUnknown: 'The definition of the network has not been read, or cannot be used.',
  RepresentorMissing: 'No device of this machine stands for the function that the pod was given.',
  RepresentorAmbiguous: 'More than one device answers to the function that the pod was given.',
  RepresentorReserved: 'The function serves the host or this machine itself, and is never given to a pod.',
  RepresentorClaimedTwice: 'Another live pod holds the function; the first keeps it.',
  RepresentorForeign: "The device of the function is a port that is not this agent's.",
  IfaceIdTaken: 'Another port carries the name that this attachment would have in OVN.',
  EncapIpUnknown: 'The tunnel addresses are mapped to uplinks, and the uplink of the function is not among them.',
  LinkRefused: "The kernel refused a change of the device's link.",
  OvnNotInstalled: 'OVN has not yet installed the flows of the port (ovn-installed).',
  FunctionMacDiffers: "The function has another MAC address than the host cluster gave the pod's network.",
  LeaseForeign: "Another writer renews this DPU's lease, so this agent plugs nothing.",
  LeaseUnknown: "This DPU's lease has not been read yet, so nobody knows whether another writer plugs.",
  ClusterUnavailable: 'The API server of the host cluster cannot be reached; what is attached keeps working.',
  ClusterForbidden: 'The host cluster does not give this agent a right that it needs.',
  NotAttached: 'The pod has no connection details, so nothing is to be attached.',
  DetachPending: 'The port is to be removed; the change is planned.',
  Restless: 'The rows of the attachment are changed so often that it is attached and repaired at a slower pace.',
  ClockSkewed: "The API server's clock and this machine's differ by more than the lease can bear.",
  PodMissing:
    'The host cluster no longer lists the pod, and nobody said that it was deleted; its port stays for a while.',
  // Conditions of chains and their ports.
  ChainInvalid: 'The chain contradicts itself or names a value that is out of range.',
  ChainPortMissing: 'No interface answers to the selector of the chain port.',
  ChainPortAmbiguous: 'More than one interface answers to the selector of the chain port.',
  ChainPortUnusable: 'The interface is there, but a chain cannot use it: it belongs to a bond or is the bridge itself.',
  ChainPortPending: 'The interface of the chain port has no OpenFlow number yet, or could not be opened.',
  ChainPatchPending: 'The patch pair that the chain port needs is being made.',
  ChainPortClaimedTwice: 'Two chains want the same port, or the same VLAN of it; the first keeps it.',
  ChainTenantsJoined: 'The chain would connect ports of two tenants, and is not allowed to.',
  ChainLoop: 'The chain would make a loop, in which frames circle for ever.',
  ChainMtuUnfit: "A port along the chain cannot carry packets of the chain's MTU.",
  ChainPortsNotReady: 'The flows of the chain are in place, but some of its ports are not ready.',
  ChainFlowsUnread: 'The flows of the bridge have not been read back, so nothing proves that the chain works.',
  ChainFlowsPending: 'Flows of the chain are not in the switch as they should be; the change is planned.',
  ChainFlowBlocked: "A flow of the chain cannot be installed, for somebody else's flow is in its place.",
  ChainRestoreWait:
    'Open vSwitch was told to wait until flows are restored (flow-restore-wait), and may forward nothing until then.',
  ChainClosed: 'The controller is lost, and the chain asks for its traffic to stop until it is back.',
  // Findings: differences that the agent reports and does not repair by itself.
  BridgeClaimedTwice: 'Two intents describe the same bridge differently; the first keeps it.',
  PortClaimedTwice: 'Two intents want the same port; the first keeps it.',
  OfportClaimedTwice: 'Two intents want the same OpenFlow port number on one bridge; the first keeps it.',
  ForeignBridge: "A bridge of this name exists and is not marked as the agent's; set adopt to take it over.",
  ForeignPort: "A port of this name exists and is not marked as the agent's; set adopt to take it over.",
  PortOnForeignBridge: "The port lives on another bridge and is not the agent's to move.",
  PatchPeerTaken: 'The peer of the patch port exists and belongs to something else.',
  OrphanKept: "An object marked as the agent's belongs to no intent, and cannot be removed without harm to others.",
  OrphanPending: "An object marked as the agent's belongs to no intent; it is removed after the grace period.",
  ChainClaimedTwice: 'Two intents describe a chain of the same name differently; the first keeps it.',
  ChainRefused: 'The newest version of the chain is refused as a whole; its earlier version, if any, stays.',
  IntentContradicted:
    "An owner's bundle contradicts the configuration or another bundle as they are now; the configuration holds.",
  IntentStoreDamaged: 'A stored bundle of an owner could not be read whole; the last good one of the owner is used.',
  RestoreWaitStuck: 'Open vSwitch has been waiting for flows to be restored (flow-restore-wait) for far too long.',
  DatapathTypeUnsupported: 'This Open vSwitch does not offer the datapath type that the intent asks for.',
  ObservedDiffers: 'A bridge that is only observed differs from what the configuration describes.',
  // Findings on hardware offload.
  ...offloadFindingReasons,
} as const;

export type Reason = keyof typeof reasons;
