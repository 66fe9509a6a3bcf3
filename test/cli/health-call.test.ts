import { rm, mkdtemp } from 'node:fs/promises';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askHealth } from '../../src/cli/health-call.js';
import { systemClock } from '../../src/lib/clock.js';

let dir = '';
let server: Http2Server;
const asked: { readonly path: string; readonly body: Buffer }[] = [];

/** Serves one answer to every call. */
async function serve(answer: (stream: ServerHttp2Stream) => void): Promise<string> {
  server.on('stream', (stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (bytes: Buffer) => parts.push(bytes));
    stream.on('end', () => {
      asked.push({ path: String(headers[':path']), body: Buffer.concat(parts) });
      answer(stream);
    });
  });
  const socket = join(dir, 's');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return socket;
}

function respond(stream: ServerHttp2Stream, message: readonly number[], status = '0'): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
}

const ask = (socket: string, part = '', timeoutMs = 10_000) => askHealth({ socket, part, timeoutMs }, systemClock);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'health-'));
  server = createServer();
  asked.length = 0;
});

afterEach(async () => {
  server.close();
  await rm(dir, { recursive: true, force: true });
});

describe('the health call', () => {
  it('asks for the whole with an empty message, for a part by its name', async () => {
    const socket = await serve((stream) => respond(stream, [8, 1]));
    expect(await ask(socket)).toEqual({ kind: 'serving' });
    expect(await ask(socket, 'live')).toEqual({ kind: 'serving' });
    expect(asked.map(({ path }) => path)).toEqual(Array(2).fill('/grpc.health.v1.Health/Check'));
    expect(asked.map(({ body }) => body.toString('latin1'))).toEqual(['\0\0\0\0\0', '\0\0\0\0\x06\x0a\x04live']);
  });

  it('takes nothing but SERVING for a yes', async () => {
    const messages = [[8, 2], [], [8, 3]];
    const socket = await serve((stream) => respond(stream, messages[asked.length - 1] ?? []));
    for (const _ of messages) expect(await ask(socket)).toEqual({ kind: 'notServing' });
  });

  it('does not believe a message that comes with an error', async () => {
    const socket = await serve((stream) => respond(stream, [8, 1], '7'));
    expect(await ask(socket)).toEqual({ kind: 'noAnswer', reason: 'it answered with gRPC status 7' });
  });

  it('sees an error that comes with no message', async () => {
    const socket = await serve((stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true }));
    expect(await ask(socket, 'nothing')).toEqual({ kind: 'noAnswer', reason: 'it answered with gRPC status 5' });
  });

  it('reads no more than an answer can have', async () => {
    const socket = await serve((stream) => {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(100));
    });
    expect(await ask(socket)).toEqual({ kind: 'noAnswer', reason: 'the answer is too long' });
  });

  it('ends at its deadline when nobody answers, and at once when nobody is there', async () => {
    const socket = await serve(() => undefined);
    expect(await ask(socket, '', 50)).toEqual({ kind: 'noAnswer', reason: 'no answer within 50 ms' });
    const gone = await ask(join(dir, 'none'));
    expect(gone).toMatchObject({ kind: 'noAnswer', reason: expect.stringContaining('ENOENT') as unknown });
  });

  it('ends when the connection does', async () => {
    const socket = await serve((stream) => stream.session?.destroy());
    expect((await ask(socket)).kind).toBe('noAnswer');
  });
});
