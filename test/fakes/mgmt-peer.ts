/** A bridge's OpenFlow management socket played by a test: it greets, answers, is silent, lies or hangs up on order. */

import { createServer, type Server, type Socket } from 'node:net';

/** HELLO of OpenFlow 1.5 as Open vSwitch sends it where every version is allowed: no bitmap. */
export const plainHello = Buffer.from('0600000800000001', 'hex');

export function echoReply(request: Buffer): Buffer {
  const reply = Buffer.from(request);
  reply.writeUInt8(3, 1);
  return reply;
}

export class MgmtPeer implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  /** Whole messages that were heard, of all connections. */
  readonly heard: Buffer[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param onMessage what to do about each whole message; the first is the probe's HELLO */
  static async listen(path: string, onMessage: (message: Buffer, socket: Socket) => void): Promise<MgmtPeer> {
    const server = createServer();
    const peer = new MgmtPeer(server);
    server.on('connection', (socket) => {
      peer.sockets.push(socket);
      let received: Buffer = Buffer.alloc(0);
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 8 && received.length >= received.readUInt16BE(2)) {
          const message = received.subarray(0, received.readUInt16BE(2));
          received = received.subarray(message.length);
          peer.heard.push(message);
          onMessage(message, socket);
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
