import { describe, expect, it } from 'vitest';
import { isSecretPath } from '../../src/config/secret.js';

describe('isSecretPath', () => {
  it.each(['psk', 'api-token', 'Password', 'private_key', 'client-secret'])(
    'takes the value of %s for a secret',
    (key) => {
      expect(isSecretPath(['options', key])).toBe(true);
    },
  );

  it('takes nothing else for one', () => {
    expect(isSecretPath(['options', 'key'])).toBe(false);
    expect(isSecretPath(['ovsdb', 'tls', 'keyFile'])).toBe(false);
    expect(isSecretPath(['secret', 0])).toBe(false);
    expect(isSecretPath([])).toBe(false);
  });
});
