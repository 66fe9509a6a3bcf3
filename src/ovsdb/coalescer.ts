/**
 * Joins the small transactions of independent callers into few large ones, because ovs-vswitchd pays for each commit and
 * hardly for its size. At most one transaction is under way; what comes meanwhile goes with the next. When a joint one is
 * refused, each of its parts is tried alone, so no caller suffers for another. Used where callers do not wait for one
 * another anyway; it is no queue for ordered work.
 */
import { AgentError, toError } from '../lib/errors.js';
import type { TransactOptions, Transactor } from './run.js';
import type { TransactionOutcome } from './transaction-result.js';
import { Transaction } from './transaction.js';
import type { DatabaseTypes } from './types.js';

/** Adds one caller's operations. May be called more than once, so it has no other effect. */
export type Part<Database extends DatabaseTypes, Built> = (transaction: Transaction<Database>) => Built;

export interface PartResult<Built> {
  /** What the part returned: the handles and references to ask the outcome with. */
  readonly built: Built;
  readonly outcome: TransactionOutcome;
}

export interface CoalescerOptions extends TransactOptions {
  /** Parts that are joined at most. Default 256. */
  readonly partsMax?: number;
  /** Calls back when the first batch may be sent; default: at the end of the current turn of the event loop. */
  readonly schedule?: (callback: () => void) => void;
}

interface Entry<Database extends DatabaseTypes> {
  readonly part: Part<Database, unknown>;
  readonly resolve: (result: PartResult<unknown>) => void;
  readonly reject: (error: Error) => void;
}

const partsMaxDefault = 256;

export class Coalescer<Database extends DatabaseTypes> {
  readonly #client: Transactor<Database>;
  readonly #options: CoalescerOptions;
  #waiting: Entry<Database>[] = [];
  #isBusy = false;

  constructor(client: Transactor<Database>, options: CoalescerOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  /** Parts that wait for the transaction under way. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /**
   * Sends `part` with the next transaction.
   * @throws AgentError as `transact`; when the outcome of a joint transaction is unknown, it is for every part
   */
  submit<Built>(part: Part<Database, Built>): Promise<PartResult<Built>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ part, resolve: resolve as (result: PartResult<unknown>) => void, reject });
      if (this.#isBusy) return;
      this.#isBusy = true;
      (this.#options.schedule ?? setImmediate)(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.partsMax ?? partsMaxDefault);
      await this.#send(batch);
    }
    this.#isBusy = false;
  }

  /** Settles every entry of the batch. Never rejects. */
  async #send(batch: readonly Entry<Database>[]): Promise<void> {
    try {
      const { transaction, built } = this.#join(batch);
      const outcome = await this.#client.transact(transaction, this.#options);
      for (const [index, entry] of batch.entries()) entry.resolve({ built: built[index], outcome });
    } catch (error) {
      const isRefused = !(error instanceof AgentError && error.isOutcomeUnknown);
      if (batch.length > 1 && isRefused) {
        for (const entry of batch) await this.#send([entry]);
      } else {
        for (const entry of batch) entry.reject(toError(error));
      }
    }
  }

  #join(batch: readonly Entry<Database>[]): { transaction: Transaction<Database>; built: readonly unknown[] } {
    const transaction = new Transaction<Database>(this.#client.schema);
    return { transaction, built: batch.map((entry) => entry.part(transaction)) };
  }
}
