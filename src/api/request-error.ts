/** A request that is wrong, field by field. The gRPC adapter tells the fields as google.rpc.BadRequest. */

import { AgentError, type AgentErrorOptions, type ErrorCode } from '../lib/errors.js';

/** One thing that is wrong with a request. All texts are safe to print. */
export interface Violation {
  /** Path of the field in the request: `bridges[0].ports[2].vlan.tag`. */
  readonly field: string;
  /** What is wrong with the value, and what is allowed. */
  readonly description: string;
  /** Name of the rule: a stable code. */
  readonly reason: string;
}

/** A request that was refused for what it holds. */
export class RequestError extends AgentError {
  readonly violations: readonly Violation[];

  constructor(code: ErrorCode, message: string, violations: readonly Violation[], options: AgentErrorOptions = {}) {
    super(code, message, options);
    this.violations = violations;
  }
}
