/**
 * A bundle from its opening to its end: all messages are added, a barrier shows whether the switch took each of them, and
 * only then is it committed; otherwise it is discarded. Used by the client.
 *
 * The order matters with Open vSwitch: a message that it refuses while adding is merely left out, and a commit would
 * carry out the rest. What fails at the commit is reported twice, with the xid of the inner message and with that of the
 * commit, and nothing is applied.
 */

import { AgentError } from '../lib/errors.js';
import { sendBatch } from './batch.js';
import { pend } from './pending.js';
import type { CallContext, CallOptions } from './pending.js';
import { OpenFlowRefusal } from './refusal.js';
import type { Refusal } from './refusal.js';
import { encodeBundleAdd, encodeBundleControl } from './wire/bundles.js';
import { ByteWriter } from './wire/byte-writer.js';
import { encodeChange } from './wire/change.js';
import type { BundleMessage } from './wire/change.js';
import type { ErrorMessage } from './wire/error-message.js';
import { isBundleMessageFailed } from './wire/error-message.js';

/**
 * Carries out the messages together or not at all, in their order; packets see the tables before or after, never between.
 * @throws OpenFlowRefusal when nothing was applied; AgentError with an unknown outcome when the answer to the commit
 *   did not come
 */
export async function runBundle(
  context: CallContext,
  messages: readonly BundleMessage[],
  bundle: number,
  options: CallOptions,
): Promise<void> {
  const firstXid = await addAll(context, messages, bundle, options);
  const range = { firstXid, lastXid: context.connection.takeXids(1) };
  const errors = new Map<number, ErrorMessage>();
  const committed = pend<undefined>(context, range, options, (settle) => ({
    onReply: () => settle.resolve(undefined),
    onError: (xid, error) => {
      if (xid === range.lastXid) settle.reject(commitError(error, errors));
      else errors.set(xid - firstXid, error);
    },
  }));
  const writer = new ByteWriter(64);
  encodeBundleControl(writer, context.connection.version, range.lastXid, bundle, 'commit');
  void context.connection.write(writer.take());
  await committed;
}

/** Opens, adds and waits. @returns the xid of the first message */
async function addAll(
  context: CallContext,
  messages: readonly BundleMessage[],
  bundle: number,
  options: CallOptions,
): Promise<number> {
  const { connection } = context;
  const { version } = connection;
  let firstXid = 0;
  try {
    const errors = await sendBatch(
      context,
      messages.length + 1,
      (writer, index, xid) => {
        if (index === 0) {
          encodeBundleControl(writer, version, xid, bundle, 'open');
          firstXid = xid + 1;
          return;
        }
        const message = messages[index - 1];
        if (message === undefined) return;
        encodeBundleAdd(writer, version, xid, bundle, () => encodeChange(writer, version, xid, message));
      },
      options,
      false,
    );
    if (errors.size > 0) throw refusal('the switch refused a message of a bundle', errors, 1);
    return firstXid;
  } catch (error) {
    discard(context, bundle);
    throw error;
  }
}

/** Best effort: a bundle that is left open ends with the connection or after ten idle seconds. */
function discard({ connection }: CallContext, bundle: number): void {
  const writer = new ByteWriter(64);
  encodeBundleControl(writer, connection.version, connection.takeXids(1), bundle, 'discard');
  try {
    void connection.write(writer.take());
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
  }
}

function commitError(error: ErrorMessage, errors: ReadonlyMap<number, ErrorMessage>): Error {
  if (isBundleMessageFailed(error) && errors.size > 0) {
    return refusal('the switch could not carry out a bundle; nothing of it was applied', errors, 0);
  }
  return new OpenFlowRefusal('the switch refused to commit a bundle', [], error.name);
}

function refusal(text: string, errors: ReadonlyMap<number, ErrorMessage>, offset: number): OpenFlowRefusal {
  const refusals: Refusal[] = [...errors].map(([index, error]) => ({ index: index - offset, error }));
  return new OpenFlowRefusal(text, refusals, refusals[0]?.error.name ?? 'unknown');
}
