/**
 * The least that can be done with the protocol: text out, replies counted by their brackets, nothing understood. It is
 * what the server itself allows, and the yardstick for the client.
 */
import { connect, type Socket } from 'node:net';

const quote = 0x22;
const backslash = 0x5c;
const open = 0x7b;
const close = 0x7d;

export class BareSocket {
  readonly #socket: Socket;
  /** Called at the end of each message that came. */
  onMessage: () => void = () => undefined;
  /** Called for each chunk before it is looked at. */
  onChunk: (chunk: Buffer) => void = () => undefined;
  #depth = 0;
  #isText = false;
  #isEscaped = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.onChunk(chunk);
      this.#scan(chunk);
    });
  }

  static open(path: string): Promise<BareSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new BareSocket(socket)));
      socket.once('error', reject);
    });
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Sends one request and waits for the next message, whatever it is. */
  call(method: string, params: readonly unknown[]): Promise<void> {
    return new Promise((resolve) => {
      this.onMessage = resolve;
      this.write(JSON.stringify({ id: method, method, params }));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #scan(chunk: Buffer): void {
    for (const byte of chunk) {
      if (this.#isText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === backslash) this.#isEscaped = true;
        else if (byte === quote) this.#isText = false;
      } else if (byte === quote) this.#isText = true;
      else if (byte === open) this.#depth += 1;
      else if (byte === close && --this.#depth === 0) this.onMessage();
    }
  }
}
