import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hostOf } from '../../../src/api/http/admission.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { ApiWorld } from '../../fakes/api-world.js';
import { readExposition, valueOf } from '../../fakes/exposition.js';
import { everything, opened, rawRequest, readAnswer } from '../../fakes/raw-http.js';

let world = new ApiWorld();
afterEach(() => world.close());

const codeOf = (body: Buffer): string => (JSON.parse(body.toString()) as { code: string }).code;

/** The service for others is unharmed. */
async function isServing(): Promise<boolean> {
  return (await world.get('/healthz')).status === 200;
}

async function refusals(reason: string): Promise<number> {
  const samples = readExposition(await (await world.get('/metrics')).text());
  return valueOf(samples, 'dpu_agent_http_refusals_total', { reason }) ?? 0;
}

describe('a hostile client', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])('cannot %s', async (method) => {
    world = await new ApiWorld().serve();
    const answer = await rawRequest(world.port, `${method} /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(answer.status).toBe(405);
    expect(answer.headers).toMatchObject({ allow: 'GET, HEAD', connection: 'close' });
    expect(codeOf(answer.body)).toBe('API_INVALID');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])('cannot send a body: %s', async (header) => {
    world = await new ApiWorld().serve();
    const answer = await rawRequest(world.port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n`);
    expect(answer.status).toBe(413);
    expect(answer.headers['connection']).toBe('close');
    expect(await isServing()).toBe(true);
  });

  it.each([
    [405, 'POST /metrics', 'localhost', ''],
    [413, 'GET /metrics', 'localhost', 'Content-Length: 5\r\n'],
    [403, 'GET /metrics', 'elsewhere.example', ''],
    [404, 'GET /nothing', 'localhost', ''],
  ])('is told with status %i what to do instead', async (status, line, host, more) => {
    world = await new ApiWorld().serve();
    const answer = await rawRequest(
      world.port,
      `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`,
    );
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body.toString())).toHaveProperty('remedy', expect.stringMatching(/[.]$/));
  });

  it('is not told to go on with a body', async () => {
    world = await new ApiWorld().serve();
    const head = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n';
    const answer = await rawRequest(world.port, head);
    expect(answer.status).toBe(417);
    expect(answer.bytes.toString()).not.toContain('100 Continue');
  });

  it.each([
    ['garbage', '\u0000\u0001\u00ff\r\n\r\n', 400],
    ['TLS where none is spoken', '\u0016\u0003\u0001\u0000\u00a5\u0001', 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n', 400],
    ['a header without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}`, 431],
    ['a path without end', `GET /${'a'.repeat(20_000)}`, 431],
  ])('is hung up on: %s', async (_, text, status) => {
    world = await new ApiWorld().serve();
    const answer = await rawRequest(world.port, text);
    expect(answer.status).toBe(status);
    expect(await isServing()).toBe(true);
    expect(world.bugs).toEqual([]);
  });

  it.each(['/nothing', '/api/v1/', '/api/v2/topology', '/metrics/', '//metrics', '/%2e%2e/etc/passwd', '/%', '/%00'])(
    'finds nothing under %s',
    async (path) => {
      world = await new ApiWorld().serve();
      const answer = await rawRequest(
        world.port,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect([400, 404]).toContain(answer.status);
      expect(codeOf(answer.body)).toMatch(/^(?:NOT_FOUND|API_INVALID)$/);
      expect(world.bugs).toEqual([]);
    },
  );

  it('who sends many requests at once on one connection is hung up on', async () => {
    world = await new ApiWorld().serve();
    const socket = await opened(world.port);
    const answer = everything(socket);
    socket.write('GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(500));
    const bytes = (await answer).toString('latin1');
    expect((bytes.match(/HTTP\/1\.1 200/g) ?? []).length).toBeLessThan(500);
    expect(await isServing()).toBe(true);
    expect(await refusals('API_LIMIT')).toBeGreaterThan(0);
  });

  it('who never ends its request, or never begins one, is hung up on, and keeps nobody else waiting', async () => {
    world = await new ApiWorld().serve();
    const slow = await Promise.all(Array.from({ length: 20 }, () => opened(world.port)));
    const silent = everything(await opened(world.port));
    const ends = slow.map((socket) => everything(socket));
    for (const socket of slow) socket.write('GET /healthz HTTP/1.1\r\nHost: loc');
    expect(await isServing()).toBe(true);
    const answers = (await Promise.all(ends)).map((bytes) => readAnswer(bytes).status);
    expect(new Set(answers)).toEqual(new Set([408]));
    await silent;
  });

  it('gets no more than the connections that there are', async () => {
    world = await new ApiWorld().serve();
    const sockets = await Promise.all(Array.from({ length: 80 }, () => opened(world.port)));
    for (const socket of sockets) socket.on('error', () => undefined).resume();
    await eventually(() => sockets.filter((socket) => socket.readableEnded || socket.destroyed).length >= 16);
    for (const socket of sockets) socket.destroy();
    expect(await eventually(async () => isServing().catch(() => false))).toBe(true);
    expect(await refusals('API_LIMIT')).toBeGreaterThanOrEqual(16);
  });
});

describe('a page that has its own name resolve to this machine', () => {
  it.each([
    'attacker.example',
    'attacker.example:9480',
    '127.0.0.1.attacker.example',
    'localhost.attacker.example',
    '[',
    '',
  ])('reads nothing as %j', async (host) => {
    world = await new ApiWorld().serve();
    const answer = await rawRequest(
      world.port,
      `GET /api/v1/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.status).toBe(403);
    expect(codeOf(answer.body)).toBe('API_FORBIDDEN');
  });

  it.each(['localhost', 'LOCALHOST:9480', '127.0.0.1', '127.0.0.1:9480', '[::1]:9480', '192.0.2.7'])(
    'is told from who calls it %s',
    async (host) => {
      world = await new ApiWorld().serve();
      const answer = await rawRequest(
        world.port,
        `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer.status).toBe(200);
    },
  );

  it('cannot hide a name in a host header', () => {
    expect(hostOf('a@localhost')).toBeUndefined();
    expect(hostOf('localhost/x')).toBeUndefined();
    expect(hostOf('localhost:99999999')).toBeUndefined();
    expect(hostOf('[::1]')).toBe('::1');
    expect(hostOf('Dpu.Example:80')).toBe('dpu.example');
  });
});

describe('a bearer token', () => {
  let dir = '';
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function guarded(token: string): Promise<string> {
    dir = await mkdtemp(join(tmpdir(), 'http-'));
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, token);
    world = await new ApiWorld().serve({ config: { listen: '127.0.0.1:0', tokenFile } });
    return tokenFile;
  }

  const status = async (authorization?: string): Promise<number> =>
    (await world.get('/metrics', authorization === undefined ? {} : { authorization })).status;

  it('lets in who shows it, and nobody else', async () => {
    await guarded('s3cret\n');
    expect(await status('Bearer s3cret')).toBe(200);
    expect(await status('bearer  s3cret')).toBe(200);
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      'Bearer s3cre',
      'Bearer s3cret2',
      'Basic s3cret',
      'Bearer s3cret x',
    ]) {
      expect(await status(wrong), wrong).toBe(401);
    }
    const answer = await world.get('/version');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer.json()).toMatchObject({ code: 'API_UNAUTHENTICATED', remedy: expect.any(String) as string });
  });

  it('is not asked of a probe, which is told yes or no and nothing else', async () => {
    await guarded('s3cret');
    world.show({ isReady: false, conditions: [] });
    const tell = async (path: string, authorization?: string): Promise<readonly unknown[]> => {
      const answer = await world.get(path, authorization === undefined ? {} : { authorization });
      return [answer.status, await answer.json()];
    };
    expect(await tell('/healthz')).toEqual([200, { status: 'ok' }]);
    expect(await tell('/livez')).toEqual([200, { status: 'alive' }]);
    expect(await tell('/readyz?verbose')).toEqual([503, { isReady: false }]);
    expect((await tell('/readyz?verbose', 'Bearer s3cret'))[1]).toHaveProperty('checks');
  });

  it.each(['/healthz/', '//healthz', '/healthz/../metrics', '/%68ealthz', '/version', '/metrics?/healthz'])(
    'is asked of who takes %s for a probe',
    async (path) => {
      await guarded('s3cret');
      const answer = await rawRequest(
        world.port,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect(answer.status).toBe(401);
    },
  );

  it('that is wrong is refused to a probe too', async () => {
    await guarded('s3cret');
    expect((await world.get('/healthz', { authorization: 'Bearer wrong' })).status).toBe(401);
  });

  it('is the new one as soon as the file is', async () => {
    const tokenFile = await guarded('old');
    expect(await status('Bearer old')).toBe(200);
    await writeFile(tokenFile, 'newer');
    expect(await status('Bearer old')).toBe(401);
    expect(await status('Bearer newer')).toBe(200);
  });

  it('is nobody’s while the file is empty or gone, and that is told', async () => {
    const tokenFile = await guarded('');
    expect(await status('Bearer ')).toBe(401);
    expect(await status('Bearer x')).toBe(401);
    await rm(tokenFile);
    expect(await status('Bearer x')).toBe(401);
    expect(world.troubles.length).toBeGreaterThan(0);
  });
});
