/**
 * Every reason code that a condition or a finding can carry, with what it means and what to do. A code is an interface
 * to operators: listed in docs/errors.md (a test keeps the two equal) and never given a second meaning.
 */

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
  RestoreWaitStuck: 'Open vSwitch has been waiting for flows to be restored (flow-restore-wait) for far too long.',
  DatapathTypeUnsupported: 'This Open vSwitch does not offer the datapath type that the intent asks for.',
  ObservedDiffers: 'A bridge that is only observed differs from what the configuration describes.',
} as const;

export type Reason = keyof typeof reasons;
