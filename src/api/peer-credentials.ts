/** How the API learns whose process is at the other end of a Unix socket: an interface, which `src/host` implements. */

import type { Identity } from './identity.js';

export interface PeerCredentials {
  /**
   * The process at the other end of the connection whose socket is file descriptor `fd` of this process. Never rejects: what
   * cannot be found out is `unknown`, with the reason.
   * @param boundPath the name that the listening socket was bound to
   */
  peerOf(fd: number, boundPath: string): Promise<Identity>;
}

/** Where nothing can be found out. */
export const noPeerCredentials: PeerCredentials = {
  peerOf: () => Promise.resolve({ kind: 'unknown', reason: 'peer credentials are not looked at' }),
};
