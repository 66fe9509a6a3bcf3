import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { connect } from '../../src/cli/api-client.js';
import { ApiError } from '../../src/cli/api-error.js';
import { parseAddress } from '../../src/cli/api-target.js';
import { JournalService } from '../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeService } from '../../src/gen/proto/dpu/agent/v1/node_pb.js';
import { BadRequestSchema, ErrorInfoSchema } from '../../src/gen/proto/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../src/gen/proto/google/rpc/status_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { AgentError } from '../../src/lib/errors.js';
import { eventually } from '../../src/sandbox/lab/daemon.js';
import { served, TestServer } from './grpc-server.js';

const detail = <D extends DescMessage>(schema: D, value: MessageInitShape<D>) => anyPack(schema, create(schema, value));

/** An error as grpc-js servers throw it, with the details that the agent would send. */
function richError(code: status, reason: string, metadata: Readonly<Record<string, string>> = {}): Error {
  const rich = create(StatusSchema, {
    code,
    message: 'no such thing',
    details: [
      detail(ErrorInfoSchema, { reason, domain: 'dpu-node-agent', metadata }),
      detail(BadRequestSchema, { fieldViolations: [{ field: 'bridges[0].name', description: 'is empty\u001b[2J' }] }),
    ],
  });
  const trailer = new Metadata();
  trailer.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, rich)));
  return Object.assign(new Error('no such thing'), { code, details: 'no such thing', metadata: trailer });
}

const connectTo = (path: string, deadlineMs = 10_000) =>
  connect({ kind: 'unix', path }, { clock: systemClock, deadlineMs });

async function failureOf(call: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof ApiError) return error;
  throw new Error('the call did not fail as a call', { cause: error });
}

describe('the client of the API', () => {
  it('gets the answer of a unary call', async () => {
    await using server = await TestServer.start(
      served(NodeService, { getNode: () => ({ node: { agent: { version: '1.2.3', repair: 'on' } } }) }),
    );
    const api = connectTo(server.path);
    const { node } = await api.service(NodeService).getNode({});
    expect(node?.agent?.version).toBe('1.2.3');
    api.close();
  });

  it('keeps the stable code, the remedy and the violations of an error', async () => {
    await using server = await TestServer.start(
      served(NodeService, {
        getNode: () => {
          throw richError(status.ALREADY_EXISTS, 'INTENT_CONFLICT', { remedy: 'Ask the other one.', holder: 'x' });
        },
      }),
    );
    const api = connectTo(server.path);
    const error = await failureOf(api.service(NodeService).getNode({}));
    expect(error).toMatchObject({ code: 'INTENT_CONFLICT', message: 'no such thing', remedy: 'Ask the other one.' });
    expect(error.violations).toEqual([{ field: 'bridges[0].name', description: 'is empty\\u001b[2J', reason: '' }]);
    expect(error.metadata).toMatchObject({ holder: 'x' });
    api.close();
  });

  it('takes the status code where the reason is none of ours', async () => {
    await using server = await TestServer.start(
      served(NodeService, {
        getNode: () => {
          throw richError(status.PERMISSION_DENIED, 'SOMETHING_NEW');
        },
      }),
    );
    const api = connectTo(server.path);
    expect((await failureOf(api.service(NodeService).getNode({}))).code).toBe('API_FORBIDDEN');
    expect((await failureOf(api.service(NodeService).getStatus({}))).remedy).toContain('older than this dpuctl');
    api.close();
  });

  it('names the socket at which nobody answers', async () => {
    const api = connectTo('/nonexistent/api.sock');
    const error = await failureOf(api.service(NodeService).getNode({}));
    expect(error.code).toBe('NOT_CONNECTED');
    expect(error.message).toBe('no agent answers at unix:/nonexistent/api.sock: the socket does not exist');
    expect(error.remedy).toContain('/nonexistent/api.sock');
    api.close();
  });

  it('says in one clause why nobody answers', async () => {
    await using server = await TestServer.start();
    const dead = join(server.runDir, 'dead.sock');
    writeFileSync(dead, '');
    const api = connectTo(dead);
    const error = await failureOf(api.service(NodeService).getNode({}));
    expect(error.message).toBe(`no agent answers at unix:${dead}: nobody listens at the socket`);
    api.close();
  });

  it('gives up at the deadline, and when it is told to', async () => {
    let cancelledCount = 0;
    await using server = await TestServer.start(
      served(NodeService, {
        getNode: (_request, { signal }) =>
          new Promise(() => signal.addEventListener('abort', () => (cancelledCount += 1))),
      }),
    );
    const api = connectTo(server.path);
    const late = await failureOf(api.service(NodeService).getNode({}, { deadlineMs: 20 }));
    expect(late).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: `the agent at unix:${server.path} does not answer: nothing came in 0.02 s`,
    });
    expect(late.remedy).toContain('systemctl status dpu-node-agent');
    const controller = new AbortController();
    const call = failureOf(api.service(NodeService).getNode({}, { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe('ABORTED');
    await eventually(() => (cancelledCount > 0 ? true : undefined), 'the server sees that nobody waits');
    const gone = api.service(NodeService).getNode({}, { signal: controller.signal });
    await expect(gone).rejects.toBeInstanceOf(AgentError);
    api.close();
  });

  it('iterates over a stream, and ends the call when it has seen enough', async () => {
    const ended: string[] = [];
    await using server = await TestServer.start(
      served(JournalService, {
        watchEntries: async function* (_request, { signal }) {
          signal.addEventListener('abort', () => ended.push('cancelled'));
          for (let sequence = 1n; !signal.aborted; sequence += 1n) {
            yield { entries: [{ sequence }], missedCount: 0n };
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
      }),
    );
    const api = connectTo(server.path);
    const seen: bigint[] = [];
    for await (const { entries } of api.service(JournalService).watchEntries({})) {
      seen.push(...entries.map(({ sequence }) => sequence));
      if (seen.length >= 40) break;
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => BigInt(index + 1)));
    await eventually(() => (ended.length > 0 ? true : undefined), 'the server sees the end');
    api.close();
  });

  it('does not read ahead of the one who iterates', async () => {
    let sent = 0;
    await using server = await TestServer.start(
      served(JournalService, {
        watchEntries: async function* (_request, { signal }) {
          const details = ['x'.repeat(100_000)];
          while (!signal.aborted && sent < 2_000) {
            await Promise.resolve();
            sent += 1;
            yield { entries: [{ sequence: BigInt(sent), details }] };
          }
        },
      }),
    );
    const api = connectTo(server.path);
    const stream = api.service(JournalService).watchEntries({})[Symbol.asyncIterator]();
    await stream.next();
    // As long as something arrives, something may be read: wait until nothing moves any more.
    let last = -1;
    await eventually(() => {
      const isStill = sent === last;
      last = sent;
      return isStill ? true : undefined;
    }, 'the server waits for its reader');
    expect(sent).toBeLessThan(1_000);
    await stream.return?.();
    api.close();
  });

  it('fails a stream with the code of the agent', async () => {
    await using server = await TestServer.start(
      served(JournalService, {
        // eslint-disable-next-line require-yield -- it fails before it has anything to say
        watchEntries: async function* () {
          await Promise.resolve();
          throw richError(status.RESOURCE_EXHAUSTED, 'API_LIMIT');
        },
      }),
    );
    const api = connectTo(server.path);
    const first = api.service(JournalService).watchEntries({})[Symbol.asyncIterator]().next();
    expect((await failureOf(first)).code).toBe('API_LIMIT');
    api.close();
  });

  it('says which certificate cannot be read', () => {
    const target = { kind: 'tls', host: 'a', port: 1, caFile: '/no/ca', certFile: '/no/c', keyFile: '/no/k' } as const;
    expect(() => connect(target, { clock: systemClock })).toThrow(/\/no\/ca cannot be read/);
  });
});

describe('an address', () => {
  it.each([
    ['unix:/run/x/api.sock', { kind: 'unix', path: '/run/x/api.sock' }],
    ['unix:///run/x/api.sock', { kind: 'unix', path: '/run/x/api.sock' }],
    ['/run/x/api.sock', { kind: 'unix', path: '/run/x/api.sock' }],
    ['dpu-7.example.net:8443', { kind: 'tcp', host: 'dpu-7.example.net', port: 8443 }],
    ['[2001:db8::7]:8443', { kind: 'tcp', host: '2001:db8::7', port: 8443 }],
  ])('is read: %s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it.each(['', 'unix:', 'unix:api.sock', 'host', 'host:0', 'host:65536', '2001:db8::7:8443', 'http://host:80'])(
    'is refused: "%s"',
    (text) => {
      expect(() => parseAddress(text)).toThrow(/is no address/);
    },
  );
});
