import { describe, expect, it } from 'vitest';
import { decodeResults } from '../../src/ovsdb/transaction-result.js';
import type { Json, JsonObject } from '../../src/ovsdb/types.js';

const uuid = '0b000000-0000-4000-8000-000000000001';
const sent: readonly JsonObject[] = [
  { op: 'insert', table: 'Port' },
  { op: 'select', table: 'Port' },
  { op: 'comment', comment: 'why' },
];
const good: readonly Json[] = [{ uuid: ['uuid', uuid] }, { rows: [] }, {}];
const decode = (reply: Json) => () => decodeResults(sent, reply, (index) => `operation ${index}`);

describe('decodeResults', () => {
  it('gives one result per operation', () => {
    expect(decode(good)()).toEqual(good);
  });

  it.each<[string, Json]>([
    ['no array', { result: [] }],
    ['too few results', good.slice(0, 2)],
    ['too many results', [...good, {}]],
    ['a result that is null although nothing failed', [good[0]!, null, {}]],
    ['an insert without a uuid', [{}, good[1]!, {}]],
    ['an insert with a uuid that is none', [{ uuid: ['uuid', 'x'] }, good[1]!, {}]],
    ['an insert that answers with a name', [{ uuid: ['named-uuid', 'row1'] }, good[1]!, {}]],
    ['a select without rows', [good[0]!, { rows: {} }, {}]],
  ])('takes %s for nonsense of the peer', (_what, reply) => {
    expect(decode(reply)).toThrow(expect.objectContaining({ code: 'PEER_PROTOCOL' }));
  });

  it('names the operation at fault, and takes a null error for none', () => {
    const reply: Json = [{ uuid: ['uuid', uuid], error: null }, { error: 'unknown column' }, null];
    expect(decode(reply)).toThrow(
      expect.objectContaining({
        code: 'OVSDB_SCHEMA_MISMATCH',
        facts: expect.objectContaining({ operationIndex: 1, operation: 'operation 1', table: 'Port' }) as unknown,
      }),
    );
  });
});
