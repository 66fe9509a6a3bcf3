/**
 * What the client counts. Plain numbers that only grow, unless said otherwise; metrics read them when they are asked for.
 */

/** Counters of one client, over all its connections. */
export interface ClientStats {
  /** Dials begun. */
  dials: number;
  /** Connections that came up. */
  connections: number;
  /** Times the replica came in sync. */
  syncs: number;
  /** Of those, by what was missed alone. */
  resumes: number;
  /** Connections and dials that ended without our wish. */
  losses: number;
  /** Of those, because the peer talked nonsense. */
  protocolErrors: number;
  probes: number;
  bytesIn: number;
  bytesOut: number;
  messagesIn: number;
  messagesOut: number;
  /** Updates applied. */
  updates: number;
  /** Rows changed by updates. */
  rowsUpdated: number;
  /** Rows that differed after a reload. */
  rowsReloaded: number;
  /** Time spent in listeners, ms, and the longest of it. */
  listenerMs: number;
  listenerMsMax: number;
  /** From connection to sync, the last time, ms. */
  syncMsLast: number;
  /** Now waiting for their reply. May fall. */
  transactionsInFlight: number;
  transactionsCommitted: number;
  /** Certainly not applied. */
  transactionsRefused: number;
  /** Perhaps applied: the connection or the caller's patience ended first. */
  transactionsUnknown: number;
  /** Time from sending to reply, ms, summed over the committed and the refused. */
  transactionMs: number;
}

export function zeroStats(): ClientStats {
  return {
    dials: 0,
    connections: 0,
    syncs: 0,
    resumes: 0,
    losses: 0,
    protocolErrors: 0,
    probes: 0,
    bytesIn: 0,
    bytesOut: 0,
    messagesIn: 0,
    messagesOut: 0,
    updates: 0,
    rowsUpdated: 0,
    rowsReloaded: 0,
    listenerMs: 0,
    listenerMsMax: 0,
    syncMsLast: 0,
    transactionsInFlight: 0,
    transactionsCommitted: 0,
    transactionsRefused: 0,
    transactionsUnknown: 0,
    transactionMs: 0,
  };
}

/** What a connection knows about its traffic. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

/** Adds the traffic of one connection. */
export function addTraffic(stats: ClientStats, traffic: Traffic): void {
  stats.bytesIn += traffic.bytesIn;
  stats.bytesOut += traffic.bytesOut;
  stats.messagesIn += traffic.messagesIn;
  stats.messagesOut += traffic.messagesOut;
}
