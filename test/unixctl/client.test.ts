import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findControlSocket, UnixctlClient } from '../../src/unixctl/index.js';

let dir: string;
let server: Server;
let peers: Socket[];
/** What the daemon does with what it is sent. */
let behave: (socket: Socket, text: string) => void;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctl-'));
  peers = [];
  server = createServer((socket) => {
    peers.push(socket);
    socket.on('data', (bytes) => behave(socket, bytes.toString()));
    socket.on('error', () => undefined);
  });
  await writeFile(join(dir, 'ovs-vswitchd.pid'), '42\n');
  const path = join(dir, 'ovs-vswitchd.42.ctl');
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterEach(async () => {
  for (const peer of peers) peer.destroy();
  server.close();
  await rm(dir, { recursive: true, force: true });
});

const dial = async (options = {}): Promise<UnixctlClient> =>
  UnixctlClient.connect(await findControlSocket(dir, 'ovs-vswitchd'), options);

describe('the control socket', () => {
  it('is found by the pid file', async () => {
    expect(await findControlSocket(dir, 'ovs-vswitchd')).toBe(join(dir, 'ovs-vswitchd.42.ctl'));
  });

  it('is not guessed when the pid file is missing or holds something else', async () => {
    await expect(findControlSocket(dir, 'ovsdb-server')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await writeFile(join(dir, 'ovsdb-server.pid'), '../../etc/passwd\n');
    await expect(findControlSocket(dir, 'ovsdb-server')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});

describe('the unixctl client', () => {
  it('sends command and arguments and returns the text', async () => {
    const sent: unknown[] = [];
    behave = (socket, text) => {
      sent.push(JSON.parse(text));
      socket.write('{"error":null,"id":1,"result":"yes\\n"}');
    };
    const client = await dial();
    expect(await client.call('ofproto/trace', ['br0', 'in_port=1'])).toBe('yes\n');
    expect(sent).toEqual([{ id: 1, method: 'ofproto/trace', params: ['br0', 'in_port=1'] }]);
    client.close();
  });

  it('gives each of several calls at once its own answer', async () => {
    behave = (socket, text) => {
      for (const [, id] of text.matchAll(/"id":(\d+)/g))
        socket.write(`{"id":${id ?? ''},"result":"answer ${id ?? ''}"}`);
    };
    const client = await dial();
    expect(await Promise.all([client.call('a'), client.call('b')])).toEqual(['answer 1', 'answer 2']);
    client.close();
  });

  it('reports a refusal in the words of the daemon, escaped', async () => {
    behave = (socket) => socket.write('{"error":"unknown \\u001b[31mbridge\\n","id":1}');
    const client = await dial();
    const refusal = { code: 'UNIXCTL_REFUSED', message: 'unknown \\u001b[31mbridge' };
    await expect(client.call('x')).rejects.toMatchObject(refusal);
    client.close();
  });

  it('fails what waits when the daemon hangs up or talks nonsense', async () => {
    behave = (socket) => socket.destroy();
    await expect((await dial()).call('x')).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    for (const nonsense of ['hello', '{"id":1}', '{"id":1,"result":{}}', '{,}']) {
      behave = (socket) => socket.write(nonsense);
      await expect((await dial()).call('x')).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
    }
  });

  it('gives up at the deadline and at the abort of the caller, and goes on with other calls', async () => {
    behave = () => undefined;
    const client = await dial();
    await expect(client.call('x', [], { deadlineMs: 1 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const abort = new AbortController();
    const call = client.call('x', [], { signal: abort.signal });
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'ABORTED_IN_FLIGHT' });
    await expect(client.call('x', [], { signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    behave = (socket) => socket.write('{"id":1,"result":"late"}{"id":3,"result":"mine"}');
    expect(await client.call('y')).toBe('mine');
    client.close();
  });

  it('fails what waits, and every later call, when it is closed', async () => {
    behave = () => undefined;
    const client = await dial();
    const call = client.call('x');
    client.close();
    await expect(call).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(client.call('x')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('says who did not answer when nobody listens', async () => {
    await expect(UnixctlClient.connect(join(dir, 'none'))).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });
});
