/**
 * The file descriptor of a socket. Node shows it in a field of its own handle only (`net.Socket._handle.fd`), so this is the one
 * place that looks there; a test fails when it moves.
 */

import type { Socket } from 'node:net';

/** Undefined when the socket is closed, or Node has moved the field. */
export function socketHandleFd(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
