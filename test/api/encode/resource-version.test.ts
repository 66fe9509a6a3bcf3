import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatResourceVersion, readResourceVersion } from '../../../src/api/encode/resource-version.js';

describe('a resource version', () => {
  it('is read as it was given out, whatever the instance is called', () => {
    for (const instance of ['a1b2', '0.0', 'with.dots', '7']) {
      const text = formatResourceVersion(instance, 12n);
      expect(readResourceVersion(text, instance, 12n)).toEqual({ kind: 'version', version: 12n });
    }
  });

  it('is refused where another instance gave it out', () => {
    const text = formatResourceVersion('before', 12n);
    expect(readResourceVersion(text, 'now', 100n)).toEqual({ kind: 'refused', reason: 'OtherInstance' });
  });

  it('is refused where nobody can have seen it', () => {
    expect(readResourceVersion('now.13', 'now', 12n)).toEqual({ kind: 'refused', reason: 'Unknown' });
  });

  it('is refused where it is garbage', () => {
    const garbage = [
      '',
      '.',
      'now',
      'now.',
      '.5',
      'now.-1',
      'now.05',
      'now.1e3',
      'now. 5',
      'now.5\n',
      'n w.5',
      'now.５',
    ];
    for (const text of [...garbage, 'now.'.padEnd(100, '9'), 'x'.repeat(10_000)]) {
      expect(readResourceVersion(text, 'now', 10n), text).toEqual({ kind: 'refused', reason: 'Unknown' });
    }
    fc.assert(fc.property(fc.string(), (text) => readResourceVersion(text, 'now', 10n).kind === 'refused'));
  });
});
