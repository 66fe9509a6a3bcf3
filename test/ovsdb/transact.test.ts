import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { RpcConnection } from '../../src/ovsdb/rpc.js';
import { zeroStats } from '../../src/ovsdb/stats.js';
import { sendTransaction } from '../../src/ovsdb/transact.js';
import type { Json } from '../../src/ovsdb/types.js';

const comment: Json = { op: 'comment', comment: 'x' };

/** Sends one transaction to a peer that answers `reply`. */
function send(
  reply: string,
  locks: readonly string[] = [],
  transaction: Parameters<typeof sendTransaction>[1] = [comment],
) {
  const stats = zeroStats();
  const stream = new PassThrough();
  stream.write = () => true; // What is sent does not come back.
  const rpc = new RpcConnection({
    stream,
    clock: systemClock,
    onNotification: () => undefined,
    onClose: () => undefined,
  });
  const outcome = sendTransaction({ rpc, database: 'Lab', locks }, transaction, {}, stats, () => 0);
  stream.emit('data', Buffer.from(`{"id":1,"result":${reply}}`));
  return { outcome, stats };
}

describe('a transaction on the wire', () => {
  it('gives the results of the caller’s operations, without those of the locks', async () => {
    const { outcome, stats } = send('[{},{},{"count":1}]', ['a', 'b']);
    expect(await outcome).toEqual([{ count: 1 }]);
    expect(stats).toMatchObject({ transactionsCommitted: 1, transactionsInFlight: 0 });
  });

  it('fails by the error of a lock, of an operation, and of the commit', async () => {
    await expect(send('[{"error":"not owner"},null]', ['a']).outcome).rejects.toMatchObject({
      code: 'OVSDB_NOT_OWNER',
      facts: { lock: 'a' },
    });
    await expect(send('[{"error":"constraint violation"}]').outcome).rejects.toMatchObject({
      code: 'OVSDB_CONSTRAINT',
      facts: { operationIndex: 0 },
    });
    const commit = send('[{},{"error":"referential integrity violation"}]');
    await expect(commit.outcome).rejects.toMatchObject({ code: 'OVSDB_REFERENTIAL' });
    expect(commit.stats).toMatchObject({ transactionsRefused: 1, transactionsCommitted: 0 });
  });

  it('leaves the reading of the results to the transaction', async () => {
    const transaction = { toOperations: () => [comment], decodeOutcome: (reply: Json) => ({ decoded: reply }) };
    expect(await send('[{},{"count":2}]', ['a'], transaction).outcome).toEqual({ decoded: [{ count: 2 }] });
  });

  it('counts a reply that is none as unknown', async () => {
    const { outcome, stats } = send('{}');
    await expect(outcome).rejects.toMatchObject({ code: 'PEER_PROTOCOL' });
    expect(stats).toMatchObject({ transactionsUnknown: 1 });
  });
});
