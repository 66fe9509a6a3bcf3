/**
 * Which values are not for other eyes. The agent's own keys hold paths, never secrets; the maps that are passed through to
 * OVS may (ovs-vswitchd.conf.db(5): `options:psk` of an IPsec tunnel).
 */
import type { ConfigPath } from './path.js';

const secretWord = /psk|passw|passphrase|secret|token|credential|private[-_]?key/i;

/** What is a secret by itself, wherever it was put by mistake: a private key, a token of Kubernetes, a user in an address. */
const secretText = /PRIVATE KEY-----|\beyJ[\w-]{8,}\.|:\/\/[^/\s@]*@/;

/** What is shown in place of a secret. */
export const redacted = '(redacted)';

/** Whether the value at `path` may be a secret, judged by its key. Errs on the side of yes. */
export function isSecretPath(path: ConfigPath): boolean {
  const key = path.at(-1);
  return typeof key === 'string' && mayHoldSecret(key);
}

/** Whether this text at `path` may be a secret. The path of a file is none, whatever the file holds (`tokenFile`). */
export function isSecretValue(path: ConfigPath, text: string): boolean {
  const isPath = /File$/.test(String(path.at(-1))) && text.startsWith('/');
  return secretText.test(text) || (isSecretPath(path) && !isPath);
}

/** Whether a line of text may hold a secret, judged by the words in it. */
export function mayHoldSecret(text: string): boolean {
  return secretWord.test(text) || secretText.test(text);
}
