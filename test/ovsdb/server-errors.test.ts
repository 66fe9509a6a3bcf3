import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import { errorFromReply, errorFromServer } from '../../src/ovsdb/server-errors.js';

describe('errorFromServer', () => {
  it.each([
    ['constraint violation', 'OVSDB_CONSTRAINT'],
    ['referential integrity violation', 'OVSDB_REFERENTIAL'],
    ['timed out', 'OVSDB_WAIT_FAILED'],
    ['not owner', 'OVSDB_NOT_OWNER'],
    ['aborted', 'OVSDB_OPERATION_ABORTED'],
    ['canceled', 'OVSDB_CANCELED'],
    ['unknown database', 'OVSDB_UNKNOWN_DATABASE'],
    ['unknown method', 'OVSDB_UNKNOWN_METHOD'],
    ['resources exhausted', 'OVSDB_RESOURCES'],
    ['I/O error', 'OVSDB_IO'],
    ['cluster error', 'OVSDB_IO'],
    ['permission error', 'OVSDB_PERMISSION'],
    ['not allowed', 'OVSDB_PERMISSION'],
    ['duplicate uuid', 'OVSDB_DUPLICATE_UUID'],
    ['duplicate uuid-name', 'OVSDB_SYNTAX'],
    ['syntax error', 'OVSDB_SYNTAX'],
    ['domain error', 'OVSDB_CONSTRAINT'],
    ['range error', 'OVSDB_CONSTRAINT'],
    ['not supported', 'OVSDB_REFUSED'],
    ['unknown column', 'OVSDB_SCHEMA_MISMATCH'],
    ['something new', 'OVSDB_REFUSED'],
  ])('types "%s" as %s', (text, code) => {
    const error = errorFromServer(text, 'why', { table: 'Port' });
    expect(error).toBeInstanceOf(AgentError);
    expect(error.code).toBe(code);
    expect(error.facts).toMatchObject({ serverError: text, serverDetails: 'why', table: 'Port' });
  });

  it('says that a failed wait can be tried again and certainly changed nothing', () => {
    const error = errorFromServer('timed out');
    expect([error.canRetry, error.isOutcomeUnknown]).toEqual([true, false]);
  });

  it('says that nobody knows what a failed disk kept', () => {
    expect(errorFromServer('I/O error').isOutcomeUnknown).toBe(true);
  });

  it('bounds and escapes what the server wrote', () => {
    const error = errorFromServer('evil\n', 'x'.repeat(10_000));
    expect(error.facts['serverError']).toBe('evil\\u000a');
    expect(String(error.facts['serverDetails']).length).toBeLessThan(1100);
  });
});

describe('errorFromReply', () => {
  it('reads a bare string', () => {
    expect(errorFromReply('unknown method').code).toBe('OVSDB_UNKNOWN_METHOD');
  });

  it('reads error, details and syntax of an object', () => {
    const error = errorFromReply({ error: 'syntax error', details: 'bad', syntax: '{"op":1}' });
    expect(error.code).toBe('OVSDB_SYNTAX');
    expect(error.facts).toEqual({ serverError: 'syntax error', serverDetails: 'bad', serverSyntax: '{"op":1}' });
  });

  it.each([
    ['null', null],
    ['a number', 17n],
    ['an array', ['a']],
    ['an object without an error', { details: 'only' }],
    ['an error that is no text', { error: 5 }],
  ])('takes %s as a refusal', (_what, json) => {
    expect(errorFromReply(json).code).toBe('OVSDB_REFUSED');
  });
});
