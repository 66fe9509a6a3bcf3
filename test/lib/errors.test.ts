import { describe, expect, it } from 'vitest';
import { AgentError, errorPolicies, systemErrorCode, toError } from '../../src/lib/errors.js';
import { documentedTable } from '../fakes/documented-table.js';

describe('the error codes', () => {
  const documented = documentedTable('errors.md', 'Code');

  it('are all documented, and none is documented that does not exist', () => {
    expect([...documented.keys()].sort()).toEqual(Object.keys(errorPolicies).sort());
  });

  it('are documented with their policy, their meaning and what to do', () => {
    for (const [code, { retry, outcome }] of Object.entries(errorPolicies)) {
      const [meaning, ...rest] = documented.get(code) ?? [];
      expect(meaning).toMatch(/\.$/);
      expect(rest.slice(0, 2), code).toEqual([retry, outcome]);
      expect(rest[2]).toMatch(/\.$/);
    }
  });

  it('are spelled in capitals', () => {
    for (const code of Object.keys(errorPolicies)) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  });
});

describe('an agent error', () => {
  it('carries code, facts, remedy and cause', () => {
    const cause = new Error('below');
    const error = new AgentError('CONNECT_FAILED', 'no connection', {
      facts: { endpoint: 'unix:x' },
      remedy: 'Start it.',
      cause,
    });
    expect(error).toMatchObject({
      name: 'AgentError',
      code: 'CONNECT_FAILED',
      message: 'no connection',
      facts: { endpoint: 'unix:x' },
      remedy: 'Start it.',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
  });

  it('has no cause, facts or remedy where none is given', () => {
    const error = new AgentError('USAGE', 'wrong');
    expect(error.facts).toEqual({});
    expect(error.remedy).toBeUndefined();
    expect('cause' in error).toBe(false);
  });

  it.each([
    ['CONNECT_FAILED', true, false],
    ['CONNECTION_LOST', true, true],
    ['CONFIG_INVALID', false, false],
    ['ABORTED_IN_FLIGHT', false, true],
  ] as const)(
    '%s says whether a retry can help and whether it may have happened',
    (code, canRetry, isOutcomeUnknown) => {
      expect(new AgentError(code, 'x')).toMatchObject({ canRetry, isOutcomeUnknown });
    },
  );
});

describe('a thrown value', () => {
  it('is itself where it is an error', () => {
    const error = new TypeError('x');
    expect(toError(error)).toBe(error);
  });

  it.each([['text'], [undefined], [null], [7]])('becomes an error that keeps it: %s', (thrown) => {
    expect(toError(thrown)).toMatchObject({ message: `thrown: ${String(thrown)}`, cause: thrown });
  });
});

describe('the system code of a thrown value', () => {
  it.each([
    [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
    [Object.assign(new Error('x'), { code: 7 }), undefined],
    [new Error('x'), undefined],
    [null, undefined],
    ['ENOENT', undefined],
  ])('is told where there is one: %s', (thrown, code) => {
    expect(systemErrorCode(thrown)).toBe(code);
  });
});
