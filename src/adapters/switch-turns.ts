/** One thing at a time, in the order of asking, with an end of the queue: whoever gives up while it waits leaves at once. */

import { AgentError } from '../lib/errors.js';

/** Readings that wait beyond this find a switch that has been busy for minutes; more of them help nobody. */
const waitingMax = 16;

/** What `promise` gives, or ABORTED as soon as `signal` says so while `mayLeave`. The promise itself goes on. */
export function orGivenUp<T>(promise: Promise<T>, signal: AbortSignal, mayLeave = (): boolean => true): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      if (mayLeave()) reject(new AgentError('ABORTED', 'the question to ovs-vswitchd was given up'));
    };
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

export class SwitchTurns {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /**
   * Runs `use` when all that asked before have ended.
   * @throws AgentError UNIXCTL_BUSY, ABORTED while waiting; then what `use` throws
   */
  run<T>(signal: AbortSignal, use: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) {
      return Promise.reject(new AgentError('UNIXCTL_BUSY', `${this.#waiting} questions wait for ovs-vswitchd`));
    }
    this.#waiting += 1;
    let isWaiting = true;
    const turn = this.#tail.then(() => {
      this.#waiting -= 1;
      isWaiting = false;
      if (signal.aborted) throw new AgentError('ABORTED', 'the question to ovs-vswitchd was given up before its turn');
      return use();
    });
    this.#tail = turn.catch(() => undefined);
    return orGivenUp(turn, signal, () => isWaiting);
  }
}
