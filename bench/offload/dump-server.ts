/** The daemon's end of a control socket that answers everything with one dump: the same bytes for every reader. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class DumpServer implements AsyncDisposable {
  readonly path: string;
  readonly #dir: string;
  readonly #pieces: readonly Buffer[];
  readonly #server = createServer((socket) => this.#serve(socket));

  private constructor(dir: string, pieces: readonly Buffer[]) {
    this.#dir = dir;
    this.path = join(dir, 'ctl');
    this.#pieces = pieces;
  }

  /** @param pieces of JSON string content */
  static async start(pieces: readonly Buffer[]): Promise<DumpServer> {
    const server = new DumpServer(await mkdtemp(join(tmpdir(), 'dump-')), pieces);
    await new Promise<void>((resolve) => server.#server.listen(server.path, resolve));
    return server;
  }

  #serve(socket: Socket): void {
    let text = '';
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const id = /"id":\s*(\d+)/.exec(text)?.[1];
      if (id === undefined || !text.trimEnd().endsWith('}')) return;
      text = '';
      void this.#answer(socket, id);
    });
  }

  async #answer(socket: Socket, id: string): Promise<void> {
    socket.write(`{"id":${id},"result":"`);
    for (const piece of this.#pieces) if (!socket.write(piece)) await once(socket, 'drain');
    socket.write('","error":null}');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
