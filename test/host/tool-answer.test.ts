import { describe, expect, it } from 'vitest';
import { outputOf, rowsOf } from '../../src/host/tool-answer.js';
import { known, unknown } from '../../src/model/fact.js';

describe('the answer of a tool', () => {
  it('is what it wrote', () => {
    expect(outputOf('ip', { kind: 'exited', code: 0, stdout: '[]', stderr: 'noise' })).toEqual(known('[]'));
  });

  it.each([
    [{ kind: 'notStarted', reason: 'ENOENT' }, 'the tool ip cannot be started here (ENOENT)'],
    [{ kind: 'timedOut' }, 'the tool ip did not answer in time'],
    [{ kind: 'aborted' }, 'the question was withdrawn'],
    [{ kind: 'broken', reason: 'signal SIGKILL' }, 'the tool ip broke off (signal SIGKILL)'],
    [{ kind: 'exited', code: 1, stdout: '', stderr: 'no\u001b luck\n' }, 'the tool ip refused: no\\u001b luck'],
    [{ kind: 'exited', code: 7, stdout: '', stderr: '' }, 'the tool ip refused: exit code 7'],
  ] as const)('is unknown after %j', (result, why) => {
    expect(outputOf('ip', result)).toEqual(unknown(why));
  });

  it('is a list of objects, whatever else is in it', () => {
    expect(rowsOf('ip', known('[{"a":1},{},3,null,[4]]'))).toEqual(known([{ a: 1 }, {}]));
    expect(rowsOf('ip', known('\n'))).toEqual(known([]));
    expect(rowsOf('ip', known('{"a":1}'))).toEqual(unknown('what ip wrote is no list in JSON'));
    expect(rowsOf('ip', known('[{'))).toEqual(unknown('what ip wrote is no list in JSON'));
    expect(rowsOf('ip', unknown('gone'))).toEqual(unknown('gone'));
  });

  it('may have texts that a version of iproute2 did not escape as JSON wants it', () => {
    expect(rowsOf('ip', known('[{"a":"pod\\\'s \\\\ \\" \\n"},{"a":"\u0007"}]\n'))).toEqual(
      known([{ a: 'pod\'s \\ " \n' }, { a: '\u0007' }]),
    );
    expect(rowsOf('ip', known('[{"a":\\\'}]'))).toEqual(unknown('what ip wrote is no list in JSON'));
  });
});
