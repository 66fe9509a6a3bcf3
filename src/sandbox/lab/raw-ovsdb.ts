/**
 * The smallest possible OVSDB caller, for test rigs: one request, one reply, one connection. Deliberately independent of
 * src/ovsdb, so that a rig can check what the client under test did.
 */

import { connect } from 'node:net';

interface Reply {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** Calls `method` on the server behind a unix socket and returns the result; throws on an error reply or after 5 s. */
export function rawCall(socketPath: string, method: string, params: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let text = '';
    socket.setTimeout(5000, () => socket.destroy(new Error(`no reply to ${method} in 5 s`)));
    socket.setEncoding('utf8');
    socket.once('error', reject);
    socket.once('connect', () => socket.write(JSON.stringify({ id: 1, method, params })));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const reply = tryParse(text);
      if (reply?.id !== 1) return;
      socket.destroy();
      if (reply.error !== undefined && reply.error !== null) reject(new Error(JSON.stringify(reply.error)));
      else resolve(reply.result);
    });
    socket.once('close', () => reject(new Error(`the server closed the connection before it answered ${method}`)));
  });
}

function tryParse(text: string): Reply | undefined {
  try {
    return JSON.parse(text) as Reply;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // The reply is not complete yet.
    throw error;
  }
}
