/**
 * Where sockets wait that have not shown yet what they want. Their number and time are bounded; when there are too many, one of
 * the address that has most goes, so that no address can drive the others out, and of those the one that has waited longest,
 * since an honest client is through within moments and one that dawdles is not.
 */

import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../lib/clock.js';
import type { GrpcLimits } from './limits.js';

export type DoorTrouble = 'slow' | 'crowded';

export interface DoorOptions {
  readonly clock: Clock;
  readonly limits: GrpcLimits;
  readonly onDropped: (why: DoorTrouble, socket: Socket) => void;
}

interface Visitor {
  readonly timer: Timer;
  /** Its address; undefined on the Unix socket, where all are of one. */
  readonly from: string | undefined;
}

export class Door {
  readonly #options: DoorOptions;
  /** In the order in which they came. */
  readonly #waiting = new Map<Socket, Visitor>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  enter(socket: Socket): void {
    const { clock, limits } = this.#options;
    if (this.#waiting.size >= limits.unfinishedMax) this.#makeRoom();
    const timer = clock.after(limits.handshakeMs, () => this.#drop(socket, 'slow'), true);
    this.#waiting.set(socket, { timer, from: socket.remoteAddress });
    socket.once('close', () => this.pass(socket));
  }

  /** The socket has shown what it wants, or is gone. */
  pass(socket: Socket): void {
    this.#waiting.get(socket)?.timer.cancel();
    this.#waiting.delete(socket);
  }

  /** Cuts off all that wait. */
  clear(): void {
    for (const socket of [...this.#waiting.keys()]) {
      this.pass(socket);
      socket.destroy();
    }
  }

  #makeRoom(): void {
    const groups = new Map<string | undefined, { readonly oldest: Socket; count: number }>();
    for (const [socket, { from }] of this.#waiting) {
      const group = groups.get(from) ?? { oldest: socket, count: 0 };
      group.count += 1;
      groups.set(from, group);
    }
    const [largest] = [...groups.values()].sort((a, b) => b.count - a.count);
    if (largest !== undefined) this.#drop(largest.oldest, 'crowded');
  }

  #drop(socket: Socket, why: DoorTrouble): void {
    this.pass(socket);
    this.#options.onDropped(why, socket);
    socket.destroy();
  }
}
