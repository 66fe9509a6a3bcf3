/**
 * One flow monitor on one connection: the request, the first answer with the flows that are there, and the stream of
 * changes behind it, which the switch sends with xid 0. Used by the client.
 */

import type { FlowFilter } from './flow.js';
import { requestRefused } from './multipart-call.js';
import type { Operation } from './outstanding.js';
import { PartQueue } from './part-queue.js';
import { deadlineMsDefault, refuseAborted } from './pending.js';
import type { CallContext } from './pending.js';
import { AgentError } from '../lib/errors.js';
import { version13 } from './version.js';
import { ByteReader } from './wire/byte-reader.js';
import { ByteWriter } from './wire/byte-writer.js';
import type { ErrorMessage } from './wire/error-message.js';
import {
  encodeMonitor,
  encodeMonitor13,
  encodeMonitorCancel13,
  encodeMonitorEnd,
  monitorFlag,
} from './wire/flow-monitor.js';
import type { FlowUpdate } from './wire/flow-monitor.js';
import { headerSize } from './wire/header.js';
import { decodeMessage } from './wire/message.js';
import { decodeMultipartHeader, encodeMultipartRequest, multipartType } from './wire/multipart.js';

export interface MonitorOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the first answer may take, ms. Default 10 000. */
  readonly deadlineMs?: number | undefined;
  /** Whether the flows that are there come first. Default true. */
  readonly withInitial?: boolean | undefined;
  /** Whether this connection's own changes come in full instead of as their xid. Default true. */
  readonly withOwn?: boolean | undefined;
}

const monitorId = 1;

export class MonitorStream {
  readonly #context: CallContext;
  readonly #filter: FlowFilter;
  readonly #options: MonitorOptions;
  readonly #queue: PartQueue;
  #isStarting = true;
  #timer: { cancel(): void } | undefined;

  constructor(context: CallContext, filter: FlowFilter, options: MonitorOptions) {
    this.#context = context;
    this.#filter = filter;
    this.#options = options;
    const { connection, clock } = context;
    this.#queue = new PartQueue({
      clock,
      // Silence is the normal state of a monitor; the link watches the connection.
      idleMsMax: undefined,
      pause: () => connection.pause(this),
      resume: () => connection.resume(this),
      onEnd: () => undefined,
    });
  }

  /** Whether the first answer has not come yet. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  /** Takes a message of the stream. */
  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  refuse(error: ErrorMessage): void {
    this.#queue.fail(requestRefused(error));
  }

  /** Starts the monitor, yields its updates and ends it when the reader leaves. */
  async *read(): AsyncGenerator<FlowUpdate, void, undefined> {
    const { signal } = this.#options;
    refuseAborted(signal);
    const operation = this.#start();
    const onAbort = (): void => this.#queue.fail(new AgentError('ABORTED_IN_FLIGHT', 'the flow monitor was given up'));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      for await (const bytes of this.#queue.read()) {
        const { body } = decodeMessage(bytes);
        if (body.kind === 'multipart' && body.part.kind === 'flowUpdates') yield* body.part.updates;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#context.connection.forget(operation);
      this.#timer?.cancel();
      this.#end();
    }
  }

  #start(): Operation {
    const { connection, clock } = this.#context;
    const { version } = connection;
    const xid = connection.takeXids(1);
    const request = { ...this.#filter, id: monitorId, flags: this.#flags() };
    const writer = new ByteWriter(128);
    const isOld = version === version13;
    encodeMultipartRequest(writer, version, xid, isOld ? multipartType.experimenter : multipartType.flowMonitor, () =>
      isOld ? encodeMonitor13(writer, version, request) : encodeMonitor(writer, version, request),
    );
    const operation = this.#operation(xid);
    connection.expect(operation);
    this.#timer = clock.after(this.#options.deadlineMs ?? deadlineMsDefault, () =>
      this.#queue.fail(new AgentError('DEADLINE_EXCEEDED', 'the switch did not start the flow monitor in time')),
    );
    void connection.write(writer.take());
    return operation;
  }

  #flags(): number {
    const { withInitial = true, withOwn = true } = this.#options;
    const base = monitorFlag.add | monitorFlag.removed | monitorFlag.modify | monitorFlag.instructions;
    return base | (withInitial ? monitorFlag.initial : 0) | (withOwn ? monitorFlag.onlyOwn : 0);
  }

  #operation(xid: number): Operation {
    return {
      firstXid: xid,
      lastXid: xid,
      onReply: () => false,
      onBytes: (bytes) => {
        this.#queue.push(bytes);
        const isLast = !decodeMultipartHeader(new ByteReader(bytes, headerSize)).hasMore;
        if (isLast) this.#started();
        // The entry stays, so that the loss of the connection ends the stream.
        return false;
      },
      onError: (_xid, error) => {
        this.refuse(error);
        return true;
      },
      onLost: (error) => this.#queue.fail(error),
    };
  }

  #started(): void {
    this.#isStarting = false;
    this.#timer?.cancel();
  }

  /** Best effort: the monitor ends with the connection at the latest. */
  #end(): void {
    const { connection } = this.#context;
    const { version } = connection;
    const xid = connection.takeXids(1);
    const writer = new ByteWriter(64);
    if (version === version13) {
      encodeMonitorCancel13(writer, version, xid, monitorId);
    } else {
      encodeMultipartRequest(writer, version, xid, multipartType.flowMonitor, () =>
        encodeMonitorEnd(writer, version, monitorId),
      );
    }
    try {
      void connection.write(writer.take());
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
    }
  }
}
