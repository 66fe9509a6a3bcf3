import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../../src/kube/client.js';
import type { KubeClientOptions } from '../../src/kube/client.js';
import { AgentError } from '../../src/lib/errors.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { ManualClock } from '../config/manual-clock.js';
import { FakeApiServer, sendJson, sendStatus } from './fake-api-server.js';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function makeServer(): Promise<FakeApiServer> {
  const server = await new FakeApiServer().listen();
  cleanups.push(() => server.stop());
  return server;
}

async function makeDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'kube-client-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

function makeClient(server: string, options: Partial<KubeClientOptions> = {}): KubeClient {
  const client = new KubeClient({ access: { kind: 'server', server }, deadlineMs: 5_000, ...options });
  cleanups.push(() => client.close());
  return client;
}

const get = { method: 'GET', path: '/api/v1/pods' } as const;

async function failureOf(promise: Promise<unknown>): Promise<AgentError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AgentError)) throw new Error(`no AgentError: ${String(thrown)}`);
  return thrown;
}

describe('a client', () => {
  it('sends method, path, query, type and body, and reads the answer with its date', async () => {
    const server = await makeServer();
    let body = '';
    let type: string | undefined;
    server.once.push((request, response) => {
      type = request.headers['content-type'];
      request.setEncoding('utf8');
      request.on('data', (text: string) => (body += text));
      request.on('end', () => sendJson(response, 200, { yes: 1 }, { date: 'Sat, 01 Aug 2026 10:00:00 GMT' }));
    });
    const response = await makeClient(server.url).request({
      method: 'PATCH',
      path: '/api/v1/namespaces/n/pods/p/status',
      query: { fieldManager: 'a b' },
      body: [{ op: 'test', path: '/metadata/uid', value: 'ü' }],
      contentType: 'application/json-patch+json',
    });
    expect(response).toEqual({ status: 200, body: { yes: 1 }, dateMs: Date.UTC(2026, 7, 1, 10) });
    expect(server.asked[0]).toMatchObject({ method: 'PATCH', path: '/api/v1/namespaces/n/pods/p/status' });
    expect(server.asked[0]?.query.get('fieldManager')).toBe('a b');
    expect(type).toBe('application/json-patch+json');
    expect(JSON.parse(body)).toEqual([{ op: 'test', path: '/metadata/uid', value: 'ü' }]);
  });

  it('keeps the path of the address before its own', async () => {
    const server = await makeServer();
    await makeClient(`${server.url}/k8s/clusters/c-1/`).request(get);
    expect(server.asked[0]?.path).toBe('/k8s/clusters/c-1/api/v1/pods');
  });

  it('uses one connection for calls that follow one another, and no more than allowed for many', async () => {
    const server = await makeServer();
    const client = makeClient(server.url, { callSocketsMax: 3 });
    for (let index = 0; index < 5; index += 1) await client.request(get);
    expect(server.connectionCount).toBe(1);
    await Promise.all(Array.from({ length: 20 }, () => client.request(get)));
    expect(server.connectionCount).toBeLessThanOrEqual(3);
    expect(server.asked).toHaveLength(25);
  });

  it.each([
    [401, 'KUBE_UNAUTHORIZED'],
    [403, 'KUBE_FORBIDDEN'],
    [404, 'KUBE_NOT_FOUND'],
    [409, 'KUBE_CONFLICT'],
    [410, 'KUBE_GONE'],
    [422, 'KUBE_INVALID'],
    [429, 'KUBE_THROTTLED'],
    [500, 'KUBE_SERVER_ERROR'],
    [503, 'KUBE_SERVER_ERROR'],
    [400, 'KUBE_REFUSED'],
    [301, 'PEER_PROTOCOL'],
  ])('gives status %i the code %s', async (status, code) => {
    const server = await makeServer();
    server.always = (_request, response) => sendStatus(response, status, 'Why', 'words of the server');
    const error = await failureOf(makeClient(server.url).request(get));
    expect(error.code).toBe(code);
    expect(error.facts).toMatchObject({ status });
  });

  it('carries the words of the server, bounded and harmless', async () => {
    const server = await makeServer();
    const body = {
      kind: 'Status',
      reason: 'Invalid',
      message: `bad\n\u001b[31m${'x'.repeat(10_000)}`,
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'a.b', message: 'too \u202e long' }] },
    };
    server.always = (_request, response) => sendJson(response, 422, body);
    const error = await failureOf(makeClient(server.url).request(get));
    expect(error.facts).toMatchObject({ reason: 'Invalid', causes: 'FieldValueInvalid a.b too \\u202e long' });
    expect(error.message).toContain('bad\\u000a\\u001b[31mxxx');
    expect(error.message.length).toBeLessThan(700);
  });

  it('takes an error that is text, empty or too large by its status alone', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    for (const text of ['upstream connect error\n', '', 'x'.repeat(1 << 20)]) {
      server.once.push((_request, response) => response.writeHead(502).end(text));
      const error = await failureOf(client.request(get));
      expect(error.code).toBe('KUBE_SERVER_ERROR');
      expect(error.message).toMatch(text.length === 23 ? /upstream connect error$/ : /failed$/);
    }
  });

  it.each([
    ['7', 7_000],
    ['Sat, 01 Aug 2026 10:01:30 GMT', 90_000],
    ['soon', undefined],
  ])('reads Retry-After: %s', async (header, expected) => {
    const server = await makeServer();
    const headers = { 'retry-after': header, date: 'Sat, 01 Aug 2026 10:00:00 GMT' };
    server.always = (_request, response) => sendStatus(response, 429, 'TooManyRequests', 'slow down', headers);
    const error = await failureOf(makeClient(server.url).request(get));
    expect(error.facts['retryAfterMs']).toBe(expected);
  });

  it('refuses redirects without following them', async () => {
    const [server, other] = [await makeServer(), await makeServer()];
    server.always = (_request, response) => response.writeHead(302, { location: `${other.url}/login` }).end();
    const error = await failureOf(makeClient(server.url).request(get));
    expect(error.code).toBe('PEER_PROTOCOL');
    expect(error.facts['location']).toBe(`${other.url}/login`);
    expect(other.asked).toEqual([]);
  });

  it('refuses answers that are no JSON or compressed unasked', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    server.once.push((_request, response) => response.end('<html>login</html>'));
    expect((await failureOf(client.request(get))).code).toBe('PEER_PROTOCOL');
    server.once.push((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
    expect((await failureOf(client.request(get))).code).toBe('PEER_PROTOCOL');
    server.once.push((_request, response) => response.writeHead(204).end());
    expect((await client.request(get)).body).toBeUndefined();
  });

  it('refuses answers beyond the limit, with and without a length in front', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    const text = JSON.stringify('x'.repeat(5000));
    for (const headers of [{ 'content-length': text.length }, {}]) {
      server.once.push((_request, response) => {
        response.writeHead(200, headers);
        response.write(text.slice(0, 100));
        response.end(text.slice(100));
      });
      const error = await failureOf(client.request({ ...get, responseSizeMax: 5000 }));
      expect(error.code).toBe('LIMIT_EXCEEDED');
    }
    server.once.push((_request, response) => response.end(text));
    expect((await client.request({ ...get, responseSizeMax: 5002 })).body).toBe('x'.repeat(5000));
  });

  it('refuses to send what no API server would take', async () => {
    const server = await makeServer();
    const body = 'x'.repeat(4 << 20);
    const error = await failureOf(makeClient(server.url).request({ method: 'POST', path: '/api', body }));
    expect(error.code).toBe('LIMIT_EXCEEDED');
    expect(server.asked).toEqual([]);
  });

  it('gives up a body that comes too slowly, and knows that the request was sent', async () => {
    const server = await makeServer();
    const clock = new ManualClock();
    server.always = (_request, response) => {
      response.writeHead(200);
      response.write('{"never":', () => clock.advance(30_000));
    };
    const error = await failureOf(makeClient(server.url, { clock, deadlineMs: 30_000 }).request(get));
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', isOutcomeUnknown: true });
    expect(error.facts['wasSent']).toBe(true);
    expect(clock.timerCount).toBe(0);
  });

  it('gives up a call that waits for a connection, and does not send it later', async () => {
    const server = await makeServer();
    const clock = new ManualClock();
    const client = makeClient(server.url, { clock, callSocketsMax: 1 });
    server.once.push(() => undefined);
    const first = failureOf(client.request({ ...get, deadlineMs: 300 }));
    await eventually(() => server.asked.length === 1, 'the first call has the connection');
    const second = failureOf(client.request({ ...get, path: '/api/v1/nodes', deadlineMs: 50 }));
    clock.advance(50);
    expect((await second).facts['wasSent']).toBe(false);
    clock.advance(250);
    expect((await first).facts['wasSent']).toBe(true);
    await client.request(get);
    expect(server.asked.map(({ path }) => path)).toEqual(['/api/v1/pods', '/api/v1/pods']);
  });

  it('says that nothing was sent where nothing listens', async () => {
    const server = await makeServer();
    await server.stop();
    const error = await failureOf(makeClient(server.url).request(get));
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', isOutcomeUnknown: false });
    expect(error.facts['reason']).toBe('ECONNREFUSED');
    await server.listen();
  });

  it('says that the outcome is unknown when the connection goes before the answer', async () => {
    const server = await makeServer();
    server.always = (request) => request.socket.destroy();
    const error = await failureOf(makeClient(server.url).request({ method: 'POST', path: '/api', body: {} }));
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', isOutcomeUnknown: true });
    expect(server.asked).toHaveLength(1);
  });

  it('notices an answer that is cut', async () => {
    const server = await makeServer();
    server.always = (request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"half":', () => request.socket.destroy());
    };
    expect((await failureOf(makeClient(server.url).request(get))).code).toBe('CONNECTION_LOST');
  });

  it('repeats a read, and no write, on a connection that died while it was idle', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    const cut = (request: { readonly socket: Socket }): void => void request.socket.destroy();
    await client.request(get);
    server.once.push(cut);
    expect((await client.request(get)).status).toBe(200);
    server.once.push(cut);
    const error = await failureOf(client.request({ method: 'POST', path: '/api', body: {} }));
    expect(error.code).toBe('CONNECTION_LOST');
    expect(server.asked.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'POST']);
  });

  it('says what an abort came to, before and after the request was sent', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    expect((await failureOf(client.request({ ...get, signal: AbortSignal.abort() }))).code).toBe('ABORTED');
    expect(server.asked).toEqual([]);
    const abort = new AbortController();
    server.once.push(() => abort.abort());
    const error = await failureOf(client.request({ ...get, signal: abort.signal }));
    expect(error.code).toBe('ABORTED_IN_FLIGHT');
    expect(error.isOutcomeUnknown).toBe(true);
  });

  it('ends everything when it is closed', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    let opened = 0;
    const stream = failureOf(
      client.stream({ ...get, query: { watch: 'true' } }, { onOpen: () => (opened += 1), onData: () => undefined }),
    );
    await eventually(() => opened === 1, 'the stream is open');
    client.close();
    expect((await stream).code).toBe('ABORTED_IN_FLIGHT');
    expect((await failureOf(client.request(get))).code).toBe('CLIENT_CLOSED');
    await eventually(() => server.connectionCount === 0, 'every connection is gone');
  });

  it('notices a server that does not speak HTTP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect((await failureOf(makeClient(`http://127.0.0.1:${port}`).request(get))).code).toBe('PEER_PROTOCOL');
  });

  it('waits no longer than its deadline for a server that accepts and says nothing', async () => {
    const clock = new ManualClock();
    const server = createServer(() => clock.advance(5_000));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const client = makeClient(`https://127.0.0.1:${port}`, { clock });
    expect(await failureOf(client.request(get))).toMatchObject({ code: 'CONNECT_FAILED', isOutcomeUnknown: false });
  });

  it('refuses a path that could mean another', async () => {
    const client = makeClient('http://127.0.0.1:1');
    for (const path of ['api', '/api?x=1', '/api#x', '/a b', '/ü']) {
      await expect(client.request({ method: 'GET', path })).rejects.toThrow('must be encoded');
    }
  });
});

describe('a stream', () => {
  it('hands on the pieces as they come, and ends in good order', async () => {
    const server = await makeServer();
    let opened = 0;
    let text = '';
    server.once.push((_request, response) => {
      response.writeHead(200, { date: 'Sat, 01 Aug 2026 10:00:00 GMT' });
      response.write('one\n');
      response.end('two\n');
    });
    await makeClient(server.url).stream(get, {
      onOpen: (dateMs) => (opened = dateMs ?? 0),
      onData: (chunk) => (text += chunk.toString()),
    });
    expect(text).toBe('one\ntwo\n');
    expect(opened).toBe(Date.UTC(2026, 7, 1, 10));
  });

  it('lasts longer than the deadline of its beginning', async () => {
    const server = await makeServer();
    const clock = new ManualClock();
    let text = '';
    server.once.push((_request, response) => {
      response.writeHead(200).flushHeaders();
      server.watchers.set(response, 0);
    });
    const stream = makeClient(server.url, { clock }).stream(get, {
      onOpen: () => {
        clock.advance(3_600_000);
        server.write('late');
        server.endWatches();
      },
      onData: (chunk) => (text += chunk.toString()),
    });
    await stream;
    expect(text).toBe('late');
  });

  it('fails when it is cut, refused, or its listener throws', async () => {
    const server = await makeServer();
    const client = makeClient(server.url);
    const onData = (): void => undefined;
    server.once.push((request, response) => {
      response.writeHead(200);
      response.write('half', () => request.socket.destroy());
    });
    expect((await failureOf(client.stream(get, { onData }))).code).toBe('CONNECTION_LOST');
    server.once.push((_request, response) => sendStatus(response, 403, 'Forbidden', 'no'));
    expect((await failureOf(client.stream(get, { onData }))).code).toBe('KUBE_FORBIDDEN');
    const refuse = (): never => {
      throw new AgentError('PEER_PROTOCOL', 'nonsense');
    };
    server.once.push((_request, response) => response.write('nonsense'));
    expect((await failureOf(client.stream(get, { onData: refuse }))).message).toBe('nonsense');
    await eventually(() => server.connectionCount === 0, 'no connection is left');
  });
});

describe('a client with a token', () => {
  async function makeTokenClient(server: string, rereadMs = 0): Promise<{ client: KubeClient; tokenFile: string }> {
    const tokenFile = join(await makeDir(), 'token');
    await writeFile(tokenFile, 'first\n');
    return { client: makeClient(server, { access: { kind: 'server', server, tokenFile }, rereadMs }), tokenFile };
  }

  const sent = (server: FakeApiServer): (string | undefined)[] =>
    server.asked.map(({ authorization }) => authorization);

  it('sends it, and the next one as soon as the file says so', async () => {
    const server = await makeServer();
    const { client, tokenFile } = await makeTokenClient(server.url);
    await client.request(get);
    await writeFile(`${tokenFile}.new`, 'second');
    await rename(`${tokenFile}.new`, tokenFile);
    await client.request(get);
    expect(sent(server)).toEqual(['Bearer first', 'Bearer second']);
    expect(server.connectionCount).toBe(1);
  });

  it('reads it again after 401, and tries once more', async () => {
    const server = await makeServer();
    const { client, tokenFile } = await makeTokenClient(server.url, 3_600_000);
    await client.request(get);
    server.always = (request, response, asked) => {
      if (asked.authorization === 'Bearer second') server.serve(request, response, asked);
      else sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
    };
    await writeFile(tokenFile, 'second');
    expect((await client.request({ method: 'POST', path: '/api', body: { a: 1 } })).status).toBe(200);
    expect(sent(server)).toEqual(['Bearer first', 'Bearer first', 'Bearer second']);
    await writeFile(tokenFile, 'third');
    server.always = (_request, response) => sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
    const before = server.asked.length;
    expect((await failureOf(client.request(get))).code).toBe('KUBE_UNAUTHORIZED');
    expect(server.asked.length - before).toBe(2);
  });

  it('goes on with the former token while the file is away, and names the file once that is refused', async () => {
    const server = await makeServer();
    const { client, tokenFile } = await makeTokenClient(server.url);
    await client.request(get);
    await rm(tokenFile);
    await client.request(get);
    expect(client.credentialsProblem?.facts['reason']).toBe('ENOENT');
    server.always = (_request, response) => sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
    const error = await failureOf(client.request(get));
    expect(error.code).toBe('KUBE_CREDENTIALS');
    expect(error.message).toContain(tokenFile);
    server.always = undefined;
    await writeFile(tokenFile, 'second');
    await client.request(get);
    expect(client.credentialsProblem).toBeUndefined();
    expect(sent(server).at(-1)).toBe('Bearer second');
  });

  it('never shows it, neither in errors nor in what it tells of itself', async () => {
    const server = await makeServer();
    const { client, tokenFile } = await makeTokenClient(server.url);
    await writeFile(tokenFile, 'very-secret');
    server.always = (request) => request.socket.destroy();
    const error = await failureOf(client.request(get));
    const shown = [
      error.message,
      error.stack,
      JSON.stringify(error.facts),
      JSON.stringify(client.access),
      client.server,
    ];
    const cause = error.cause instanceof Error ? [error.cause.message, JSON.stringify(error.cause)] : [];
    expect([...shown, ...cause].join('\n')).not.toContain('very-secret');
    expect(await readFile(tokenFile, 'utf8')).toBe('very-secret');
    expect(client.access?.token).toBe(`file (tokenFile, ${tokenFile})`);
  });
});
