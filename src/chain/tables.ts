/**
 * The layout of the pipeline: numbers of tables and priorities. Changing the meaning of any of them is a new
 * `pipelineLayout`. Shown with real flows in docs/pipeline.md.
 */

/** Tables of a bridge. Other than 0 they begin at 10, beyond what DPF's own controller uses on br-sfc (0 and 1). */
export const tables = {
  /** Which chain and switch a frame belongs to, by port and VLAN; a cross-connect ends here. */
  classify: 0,
  /** Whether the sender may be where it is, where it is pinned; else it is learned. */
  admit: 10,
  /** Learned: behind which port a sender lives. Only for chains that refuse moves. */
  home: 11,
  /** Compares the sender's port with its home. Only for chains that refuse moves. */
  settle: 12,
  /** Learned and pinned: behind which port a receiver is. */
  station: 13,
  /** Out of the receiver's port, or of all ports of the switch. */
  deliver: 14,
} as const;

/** In table 0 above the 20 and 30 of DPF's own controller: a port of a chain is the chain's. */
export const priorities = {
  classifyPinned: 120,
  classifyVlan: 110,
  classify: 100,
  guard: 90,
  admitGroupSource: 40,
  admitPinned: 30,
  admitPinnedElsewhere: 20,
  admit: 10,
  settleUnknown: 30,
  settleAtHome: 20,
  settleElsewhere: 10,
  stationPinned: 20,
  /** Of learned flows, in tables `home` and `station`. */
  learned: 10,
  deliverKnown: 30,
  deliverFlood: 10,
} as const;

/** The priorities of what the agent itself puts into each table; what `learn` makes there is not among them. */
export const pipelinePriorities: ReadonlyMap<number, ReadonlySet<number>> = new Map<number, ReadonlySet<number>>([
  [
    tables.classify,
    new Set([priorities.classifyPinned, priorities.classifyVlan, priorities.classify, priorities.guard]),
  ],
  [
    tables.admit,
    new Set([priorities.admitGroupSource, priorities.admitPinned, priorities.admitPinnedElsewhere, priorities.admit]),
  ],
  [tables.settle, new Set([priorities.settleUnknown, priorities.settleAtHome, priorities.settleElsewhere])],
  [tables.station, new Set([priorities.stationPinned])],
  [tables.deliver, new Set([priorities.deliverKnown, priorities.deliverFlood])],
]);
