import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/lib/errors.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { RawClient, Rig, call, endOf, failureOf, list, stream, watch } from './rig.js';

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

async function start(...args: Parameters<typeof Rig.start>): Promise<Rig> {
  const rig = await Rig.start(...args);
  rigs.push(rig);
  return rig;
}

describe('a unary call', () => {
  it('is answered, and the handler knows who calls', async () => {
    const rig = await start({
      listEntries: ({ pageSize }, { caller }) => ({
        instanceId: `${caller.identity} wants ${pageSize}`,
        newestSequence: 2n ** 63n,
      }),
    });
    const answer = await call(rig.client(), list, { pageSize: 7 });
    expect(answer.instanceId).toBe('uid 0 (pid 1) wants 7');
    expect(answer.newestSequence).toBe(2n ** 63n);
  });

  it('is aborted when the caller cancels it', async () => {
    let signal: AbortSignal | undefined;
    const rig = await start({
      listEntries: (_request, context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
    });
    const cancel = new AbortController();
    const made = failureOf(call(rig.client(), list, {}, { signal: cancel.signal }));
    await eventually(() => signal !== undefined, 'the handler runs');
    cancel.abort();
    expect((await made).code).toBe(status.CANCELLED);
    await eventually(() => signal?.aborted === true, 'the handler is told');
  });

  it('is aborted when its deadline has passed', async () => {
    let signal: AbortSignal | undefined;
    const rig = await start({
      listEntries: (_request, context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
    });
    const made = failureOf(call(rig.client(), list, {}, { deadlineMs: 300 }));
    expect((await made).code).toBe(status.DEADLINE_EXCEEDED);
    await eventually(() => signal?.aborted === true, 'the handler is told');
  });

  it('that fails by a bug tells the caller nothing of it, and the log everything', async () => {
    const bug = new TypeError('secret of the code');
    const rig = await start({
      listEntries: () => {
        throw bug;
      },
    });
    const error = await failureOf(call(rig.client(), list));
    expect(error.code).toBe(status.INTERNAL);
    expect(error.message).not.toContain('secret');
    expect(rig.bugs).toEqual([bug]);
  });
});

describe('a stream', () => {
  it('tells its messages in order and ends', async () => {
    const rig = await start({
      watchEntries: async function* () {
        for (let index = 1; index <= 500; index += 1) {
          if (index % 100 === 0) await Promise.resolve();
          yield { missedCount: BigInt(index) };
        }
      },
    });
    const seen: bigint[] = [];
    const opened = stream(rig.client(), watch);
    opened.on('data', (message: { missedCount: bigint }) => seen.push(message.missedCount));
    expect(await endOf(opened)).toBeUndefined();
    expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => BigInt(index + 1)));
  });

  it('asks its source for no more than the reader takes', async () => {
    let askedCount = 0;
    let isReturned = false;
    const filler = 'x'.repeat(65_536);
    const rig = await start({
      // eslint-disable-next-line @typescript-eslint/require-await -- a source that is always ahead of its reader
      watchEntries: async function* () {
        try {
          for (;;) {
            askedCount += 1;
            yield { instanceId: filler };
          }
        } finally {
          isReturned = true;
        }
      },
    });
    const raw = new RawClient(rig);
    const opened = raw.open(watch, Buffer.alloc(0));
    opened.pause();
    await eventually(() => askedCount > 0, 'the stream is open');
    const client = rig.client();
    // Calls that come and go meanwhile show that the server has had every opportunity to read on.
    for (let index = 0; index < 50; index += 1) await call(client, list);
    // One in the window of the stream, one in Node's buffers below it, and one that waits for them.
    expect(askedCount).toBeLessThanOrEqual(3);
    raw.session.destroy();
    await eventually(() => isReturned, 'the source is returned');
  });

  it('stops its source when the caller goes, even while the source waits', async () => {
    let signal: AbortSignal | undefined;
    const rig = await start({
      watchEntries: async function* (_request, context) {
        signal = context.signal;
        yield { instanceId: 'first' };
        await new Promise(() => undefined);
      },
    });
    const opened = stream(rig.client(), watch);
    opened.on('error', () => undefined);
    await new Promise((resolve) => opened.once('data', resolve));
    opened.cancel();
    await eventually(() => signal?.aborted === true, 'the handler is told');
    expect(rig.bugs).toEqual([]);
  });

  it('that fails tells why after what it had', async () => {
    const rig = await start({
      // eslint-disable-next-line @typescript-eslint/require-await -- it has what it needs
      watchEntries: async function* () {
        yield { instanceId: 'first' };
        throw new AgentError('API_EXPIRED', 'too old');
      },
    });
    const seen: string[] = [];
    const opened = stream(rig.client(), watch);
    opened.on('data', (message: { instanceId: string }) => seen.push(message.instanceId));
    expect((await endOf(opened))?.code).toBe(status.OUT_OF_RANGE);
    expect(seen).toEqual(['first']);
  });

  it('ends with UNAVAILABLE when the agent stops', async () => {
    const rig = await start({
      watchEntries: async function* (_request, { signal }) {
        yield { instanceId: 'first' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const opened = stream(rig.client(), watch);
    const ended = endOf(opened);
    await new Promise((resolve) => opened.once('data', resolve));
    await rig.api.close();
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'the agent stops' });
  });
});

describe('grants', () => {
  it('that change end the connections of those that they are about, and no others', async () => {
    const rig = await start(
      {
        watchEntries: async function* (_request, { signal }) {
          yield { instanceId: 'first' };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
        listEntries: (_request, { caller }) => ({ instanceId: [...caller.roles].join() }),
      },
      { identity: { kind: 'process', uid: 1000, gids: [1000], pid: 7 } },
    );
    const client = rig.client();
    const opened = stream(client, watch);
    const ended = endOf(opened);
    await new Promise((resolve) => opened.once('data', resolve));
    rig.api.setGrants([{ identity: 'uid:1001', role: 'operator' }]);
    expect((await call(client, list)).instanceId).toBe('viewer');
    expect(rig.api.figures().streams).toBe(1);
    rig.api.setGrants([{ identity: 'uid:1000', role: 'operator' }]);
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'what the caller is granted has changed' });
    expect((await call(rig.client(), list)).instanceId).toBe('viewer,operator');
  });
});
