/**
 * Many messages and one barrier: sends them in pieces as fast as the switch takes them, and collects the errors by the
 * place of the message that caused them. Used by the client's changes and by bundles.
 */

import { toError } from '../lib/errors.js';
import { pend, refuseAborted } from './pending.js';
import type { CallContext, CallOptions, XidRange } from './pending.js';
import { ByteWriter } from './wire/byte-writer.js';
import type { ErrorMessage } from './wire/error-message.js';
import { encodeMessage, messageType } from './wire/header.js';

/** Errors by the index of their message. An empty map means that the switch took everything. */
export type BatchErrors = ReadonlyMap<number, ErrorMessage>;

/** Writes the message of an index with this xid. */
export type EncodeAt = (writer: ByteWriter, index: number, xid: number) => void;

/** Bytes that are encoded before they are written: the switch works on one piece while the next is made. */
const pieceBytes = 1 << 16;

/**
 * Sends `count` messages and a barrier behind them, and waits for its reply.
 * @param isWhole encode everything before the first byte is sent, so that a message that cannot be encoded stops all
 */
export async function sendBatch(
  context: CallContext,
  count: number,
  encodeAt: EncodeAt,
  options: CallOptions,
  isWhole: boolean,
): Promise<BatchErrors> {
  refuseAborted(options.signal);
  const { connection } = context;
  const firstXid = connection.takeXids(count + 1);
  const range = { firstXid, lastXid: firstXid + count };
  const writer = new ByteWriter(count < 16 ? 1024 : pieceBytes * 2);
  if (isWhole) encodeRange(writer, range, 0, count, encodeAt, Number.POSITIVE_INFINITY);
  const errors = new Map<number, ErrorMessage>();
  let giveUp: (error: Error) => void = () => undefined;
  const answer = pend<BatchErrors>(context, range, options, (settle) => {
    giveUp = settle.reject;
    return {
      onReply: () => settle.resolve(errors),
      onError: (xid, error) => errors.set(xid - firstXid, error),
    };
  });
  let isOver = false;
  const over = answer.finally(() => (isOver = true));
  const sent = sendPieces(context, writer, range, isWhole ? count : 0, encodeAt, () => isOver);
  // A message that cannot be written ends the batch; no barrier follows, so no answer would ever come.
  sent.catch((error: unknown) => giveUp(toError(error)));
  return over;
}

/** Encodes from `index` on until the writer holds `bytesMax`. @returns the index of the first message left */
function encodeRange(
  writer: ByteWriter,
  range: XidRange,
  index: number,
  count: number,
  encodeAt: EncodeAt,
  bytesMax: number,
): number {
  let next = index;
  while (next < count && writer.size < bytesMax) {
    encodeAt(writer, next, range.firstXid + next);
    next += 1;
  }
  return next;
}

async function sendPieces(
  { connection }: CallContext,
  writer: ByteWriter,
  range: XidRange,
  start: number,
  encodeAt: EncodeAt,
  isOver: () => boolean,
): Promise<void> {
  const count = range.lastXid - range.firstXid;
  let next = start;
  while (!isOver()) {
    next = encodeRange(writer, range, next, count, encodeAt, pieceBytes);
    if (next === count) encodeMessage(writer, connection.version, messageType.barrierRequest, range.lastXid);
    const drained = connection.write(writer.take());
    if (next === count) return;
    if (drained !== undefined) await drained;
  }
}
