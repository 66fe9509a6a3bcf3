import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findControlSocket, UnixctlClient, type UnixctlOptions } from '../../src/unixctl/index.js';
import { FakeDaemon } from '../fakes/unixctl-daemon.js';
import { eventually } from '../integration/lab/daemon.js';

let daemon: FakeDaemon;
let client: UnixctlClient;

beforeEach(async () => {
  daemon = await FakeDaemon.start();
});

afterEach(async () => {
  client.close();
  await daemon[Symbol.asyncDispose]();
});

async function dial(options: UnixctlOptions = {}): Promise<void> {
  client = await UnixctlClient.connect(findControlSocket(daemon.dir, 'ovs-vswitchd'), options);
}

async function linesOf(command: string, deadlineMs = 20_000): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of client.stream(command, [], { deadlineMs })) lines.push(line);
  return lines;
}

const long = Array.from({ length: 40_000 }, (_, index) => `line ${index} "quoted" é ${'x'.repeat(index % 90)}`);

describe('a stream of lines', () => {
  it('gives the lines of the answer, the last one with or without its newline', async () => {
    await dial();
    for (const [text, lines] of [
      ['a\nb\n', ['a', 'b']],
      ['a\n\nb', ['a', '', 'b']],
      ['', []],
      ['\n', ['']],
    ] as const) {
      daemon.behave = (request) => daemon.answer(request, text);
      expect(await linesOf('x')).toEqual(lines);
    }
  });

  it('gives lines before the answer is complete', async () => {
    await dial();
    daemon.behave = ({ socket, id }) => socket.write(`{"id":${id},"result":"first\\nsec`);
    const stream = client.stream('x');
    const lines = stream[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: 'first' });
    expect(stream.facts).toBeUndefined();
    for (const socket of daemon.sockets) socket.write('ond"}');
    expect(await lines.next()).toEqual({ done: false, value: 'second' });
    expect((await lines.next()).done).toBe(true);
    expect(stream.facts).toMatchObject({ sizeBytes: '{"id":1,"result":"first\\nsecond"}'.length });
  });

  it('is read to its end in pieces of any size, and in bounded memory', async () => {
    await dial({ bufferedSizeMax: 1000 });
    daemon.behave = (request) => daemon.answer(request, long.join('\n'));
    expect(await linesOf('x')).toEqual(long);
  });

  it('stops reading the socket while its reader is slow', async () => {
    await dial({ bufferedSizeMax: 1000 });
    daemon.behave = (request) => daemon.answer(request, long.join('\n'));
    const lines = client.stream('x')[Symbol.asyncIterator]();
    await lines.next();
    await eventually(() => [...daemon.sockets].some((socket) => socket.writableLength > 0));
    const before = client.counts.receivedSize;
    expect(before).toBeLessThan(long.join('\n').length / 2);
    let count = 1;
    while ((await lines.next()).done !== true) count += 1;
    expect(count).toBe(long.length);
  });

  it('throws the rest away when its reader stops, and lets the next command through', async () => {
    await dial({ bufferedSizeMax: 1000 });
    daemon.behave = (request) => daemon.answer(request, request.method === 'dump' ? long.join('\n') : 'next');
    for await (const line of client.stream('dump')) if (line.startsWith('line 3 ')) break;
    expect(await client.call('other')).toBe('next');
    expect(client.counts).toMatchObject({ sent: 2, stale: 1 });
  });

  it('is not sent before somebody reads', async () => {
    await dial();
    const stream = client.stream('dump');
    expect(await client.call('other')).toBe('OK\n');
    for await (const line of stream) expect(line).toBe('OK');
    expect(daemon.asked.map(({ method }) => method)).toEqual(['other', 'dump']);
  });

  it('ends when the daemon, or its own reader, stands still for too long', async () => {
    await dial();
    daemon.behave = ({ socket, id }) => socket.write(`{"id":${id},"result":"first\\n`);
    const lines: string[] = [];
    const read = async (): Promise<void> => {
      for await (const line of client.stream('x', [], { deadlineMs: 5 })) lines.push(line);
    };
    await expect(read()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(lines.length).toBeLessThanOrEqual(1);
  });

  it('fails with the words of the daemon, when the connection is lost, and on a line without end', async () => {
    await dial({ lineSizeMax: 100 });
    daemon.behave = ({ socket, id }) => socket.write(`{"id":${id},"error":"no such datapath"}`);
    await expect(linesOf('x')).rejects.toMatchObject({ code: 'UNIXCTL_REFUSED', message: 'no such datapath' });
    daemon.behave = (request) => daemon.answer(request, 'y'.repeat(1000));
    await expect(linesOf('x')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await dial();
    daemon.behave = ({ socket, id }) => socket.write(`{"id":${id},"result":"first\\n`, () => socket.destroy());
    await expect(linesOf('x')).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });
});
