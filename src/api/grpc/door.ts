/**
 * Where sockets wait that have not shown yet what they want. Their number and time are bounded; when there are too many, the
 * one that has waited longest goes, since an honest client is through within moments and one that dawdles is not.
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

export class Door {
  readonly #options: DoorOptions;
  /** In the order in which they came. */
  readonly #waiting = new Map<Socket, Timer>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  enter(socket: Socket): void {
    const { clock, limits } = this.#options;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size >= limits.unfinishedMax) this.#drop(oldest, 'crowded');
    const timer = clock.after(limits.handshakeMs, () => this.#drop(socket, 'slow'), true);
    this.#waiting.set(socket, timer);
    socket.once('close', () => this.pass(socket));
  }

  /** The socket has shown what it wants, or is gone. */
  pass(socket: Socket): void {
    this.#waiting.get(socket)?.cancel();
    this.#waiting.delete(socket);
  }

  /** Cuts off all that wait. */
  clear(): void {
    for (const socket of [...this.#waiting.keys()]) {
      this.pass(socket);
      socket.destroy();
    }
  }

  #drop(socket: Socket, why: DoorTrouble): void {
    this.pass(socket);
    this.#options.onDropped(why, socket);
    socket.destroy();
  }
}
