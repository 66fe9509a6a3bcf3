/**
 * The public face of the OVSDB library. What is not named here may change without notice.
 */

export { OvsdbClient } from './client.js';
export type { ClientState, LockChange, TransactOptions } from './client.js';
export type { MonitorWish, OvsdbClientOptions } from './client-options.js';
export { Coalescer } from './coalescer.js';
export type { CoalescerOptions, Part, PartResult } from './coalescer.js';
export { encodeCondition, matches } from './condition.js';
export type { Condition, ConditionClause, ConditionFunction } from './condition.js';
export { formatEndpoint, parseEndpoint, parseEndpoints } from './endpoint.js';
export type { Endpoint } from './endpoint.js';
export { ovsdbChannelName } from './events.js';
export type { Missing, OvsdbEvent } from './events.js';
export type { LockState } from './lock-table.js';
export type { TableMonitor } from './monitor-plan.js';
export { Replica } from './replica.js';
export type { IndexSpec, RangeBounds, ReadonlyTable, Referrer } from './replica.js';
export { RowHandle } from './row-handle.js';
export type { CallOptions, RpcLimits } from './rpc.js';
export { runTransaction } from './run.js';
export type { RunOptions, RunResult } from './run.js';
export { parseSchema } from './schema.js';
export type { ColumnSchema, DatabaseSchema, TableSchema } from './schema.js';
export { errorFromReply, errorFromServer } from './server-errors.js';
export type { ClientStats } from './stats.js';
export type { Transactable } from './transact.js';
export { Transaction } from './transaction.js';
export { TransactionOutcome } from './transaction-result.js';
export type { OperationRef } from './transaction-result.js';
export type { TlsFiles } from './transport.js';
export type * from './types.js';
export { isUuid, toUuid } from './values.js';
export type { WaitOptions } from './waiters.js';
