import { describe, expect, it } from 'vitest';
import { isSecretPath, isSecretValue, mayHoldSecret } from '../../src/config/secret.js';

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

describe('isSecretValue', () => {
  it('does not take the path of a file for a secret', () => {
    expect(isSecretValue(['hostCluster', 'tokenFile'], '/run/token')).toBe(false);
    expect(isSecretValue(['options', 'token'], '/run/token')).toBe(true);
  });

  it.each(['eyJhbGciOiJSUzI1NiJ9.e30.c2ln', 'https://me:pass@host', '-----BEGIN EC PRIVATE KEY-----\nx'])(
    'knows a secret by its looks: %s',
    (text) => {
      expect(isSecretValue(['hostCluster', 'kubeconfig'], text)).toBe(true);
      expect(mayHoldSecret(`kubeconfig: ${text}`)).toBe(true);
    },
  );

  it('takes addresses and certificates for none', () => {
    expect(isSecretValue(['hostCluster', 'server'], 'https://host:6443/a')).toBe(false);
    expect(isSecretValue(['hostCluster', 'caData'], '-----BEGIN CERTIFICATE-----')).toBe(false);
  });
});
