/**
 * One call of `grpc.health.v1.Health/Check` over a Unix socket, by hand: a probe that is run every few seconds on a small machine
 * must not load a gRPC library for it. The messages are two (grpc/health/v1/health.proto), their framing is that of gRPC over
 * HTTP/2 (PROTOCOL-HTTP2.md): a zero for "not compressed", four bytes of length, the message.
 */

import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import type { Clock } from '../lib/clock.js';
import { toError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

/** What the agent said, or that it said nothing that counts, and why. */
export type HealthAnswer =
  | { readonly kind: 'serving' }
  | { readonly kind: 'notServing' }
  | { readonly kind: 'noAnswer'; readonly reason: string };

export interface HealthQuestion {
  readonly socket: string;
  /** The part that is asked for; `` is the whole. */
  readonly part: string;
  /** After so long there is no answer, ms. */
  readonly timeoutMs: number;
}

const prefixBytes = 5;
/** A HealthCheckResponse has one byte of tag and one of value. */
const answerBytesMax = 64;
const serving = Buffer.from([0x08, 0x01]);

/** HealthCheckRequest: field 1 is the name of the service, at most 127 bytes here. */
function request(part: string): Buffer {
  const name = Buffer.from(part);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function judge(frame: Buffer, grpcStatus: unknown): HealthAnswer {
  if (grpcStatus !== '0')
    return { kind: 'noAnswer', reason: `it answered with gRPC status ${safeText(String(grpcStatus))}` };
  // UNKNOWN is left out of the message, for it is zero.
  return { kind: frame.subarray(prefixBytes).equals(serving) ? 'serving' : 'notServing' };
}

/** Asks once. Never rejects, and ends at the deadline at the latest. */
export function askHealth({ socket, part, timeoutMs }: HealthQuestion, clock: Clock): Promise<HealthAnswer> {
  return new Promise((resolve) => {
    const finish = (answer: HealthAnswer): void => {
      deadline.cancel();
      session.destroy();
      resolve(answer);
    };
    const fail = (error: unknown): void => finish({ kind: 'noAnswer', reason: safeText(toError(error).message) });
    const deadline = clock.after(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs} ms`)));
    const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    session.on('error', fail);
    session.on('close', () => fail(new Error('the connection was closed')));
    const call = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    let frame = Buffer.alloc(0);
    // An answer without a message has its status in the headers.
    let status: unknown;
    const learn = (headers: Readonly<Record<string, unknown>>): void => {
      status = headers['grpc-status'] ?? status;
    };
    call.on('response', learn);
    call.on('trailers', learn);
    call.on('data', (bytes: Buffer) => {
      frame = Buffer.concat([frame, bytes]);
      if (frame.length > answerBytesMax) fail(new Error('the answer is too long'));
    });
    call.on('error', fail);
    call.on('end', () => finish(judge(frame, status)));
    call.end(request(part));
  });
}
