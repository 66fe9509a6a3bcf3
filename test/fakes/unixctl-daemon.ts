/** A daemon's end of a control socket, on a real socket, that answers as a test says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: readonly string[];
  readonly socket: Socket;
}

export class FakeDaemon implements AsyncDisposable {
  readonly dir: string;
  readonly name: string;
  readonly asked: Asked[] = [];
  readonly sockets = new Set<Socket>();
  /** What happens to a request. */
  behave: (request: Asked) => void = (request) => this.answer(request, 'OK\n');
  #server: Server | undefined;

  private constructor(dir: string, name: string) {
    this.dir = dir;
    this.name = name;
  }

  static async start(pid = 42, name = 'ovs-vswitchd'): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(await mkdtemp(join(tmpdir(), 'ctl-')), name);
    await daemon.listen(pid);
    return daemon;
  }

  path(pid: number): string {
    return join(this.dir, `${this.name}.${pid}.ctl`);
  }

  /** Listens as this process and says so in the pid file. */
  async listen(pid: number): Promise<void> {
    const server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
      let text = '';
      socket.setEncoding('utf8').on('data', (piece: string) => {
        // The client sends one request at a time and waits: whatever came is whole or will be.
        text += piece;
        if (!text.endsWith('}')) return;
        const request = { ...(JSON.parse(text) as Omit<Asked, 'socket'>), socket };
        text = '';
        this.asked.push(request);
        this.behave(request);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path(pid), resolve));
    await writeFile(join(this.dir, `${this.name}.pid`), `${pid}\n`);
  }

  answer({ id, socket }: Asked, text: string): void {
    socket.write(JSON.stringify({ id, result: text, error: null }));
  }

  /** As a killed process: connections end, the pid file stays. */
  async die(): Promise<void> {
    const ended = new Promise<unknown>((resolve) => this.#server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    await rm(this.dir, { recursive: true, force: true });
  }
}
