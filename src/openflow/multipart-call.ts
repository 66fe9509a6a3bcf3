/**
 * A multipart request and the stream of its parts. Used by the client for dumps of any size.
 */

import { PartQueue } from './part-queue.js';
import { deadlineMsDefault, refuseAborted } from './pending.js';
import type { CallContext, CallOptions } from './pending.js';
import { AgentError } from '../lib/errors.js';
import type { Operation } from './outstanding.js';
import { OpenFlowRefusal } from './refusal.js';
import { ByteReader } from './wire/byte-reader.js';
import { ByteWriter } from './wire/byte-writer.js';
import type { ErrorMessage } from './wire/error-message.js';
import { headerSize } from './wire/header.js';
import { decodeMultipartHeader, encodeMultipartRequest } from './wire/multipart.js';

/** Bytes of a part before its entries: the header of the message and that of the multipart. */
export const partHeaderSize = 16;

/** The error of a request that the switch refused. */
export function requestRefused(error: ErrorMessage): OpenFlowRefusal {
  return new OpenFlowRefusal('the switch refused a request', [{ index: 0, error }], error.name);
}

/**
 * Asks, and yields the whole messages of the answer's parts. The deadline is for the wait between two parts.
 * @throws AgentError DEADLINE_EXCEEDED, LIMIT_EXCEEDED (slow reader), CONNECTION_LOST, ABORTED; OpenFlowRefusal
 */
export async function* multipartCall(
  { connection, clock }: CallContext,
  type: number,
  encodeBody: (writer: ByteWriter) => void,
  options: CallOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  refuseAborted(options.signal);
  const xid = connection.takeXids(1);
  const writer = new ByteWriter(128);
  encodeMultipartRequest(writer, connection.version, xid, type, () => encodeBody(writer));
  const queue = new PartQueue({
    clock,
    idleMsMax: options.deadlineMs ?? deadlineMsDefault,
    pause: () => connection.pause(queue),
    resume: () => connection.resume(queue),
    onEnd: () => connection.forget(operation),
  });
  const operation: Operation = {
    firstXid: xid,
    lastXid: xid,
    onReply: () => false,
    onBytes(bytes) {
      queue.push(bytes);
      const isLast = !decodeMultipartHeader(new ByteReader(bytes, headerSize)).hasMore;
      if (isLast) queue.complete();
      return isLast;
    },
    onError(_xid, error) {
      queue.fail(requestRefused(error));
      return true;
    },
    onLost: (error) => queue.fail(error),
  };
  const onAbort = (): void => queue.fail(new AgentError('ABORTED_IN_FLIGHT', 'the call was given up'));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    connection.expect(operation);
    void connection.write(writer.take());
    yield* queue.read();
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}
