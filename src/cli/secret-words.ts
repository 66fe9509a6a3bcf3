/** Which keys and values are not for other eyes: by the words in a key, and by the form of a text. Errs on the side of yes. */

/** What stands in place of a secret. */
export const secretMark = '[secret]';

const secretName =
  /key|token|secret|passw|passphrase|psk|credential|private|community|cadata|cert(?:ificate)?-?data|^auth|[-_.]auth|[a-z]Auth|auth$/i;
const pathName = /(?:file|path|dir)$/i;

/** Whether what is under this key may be a secret. */
export const isSecretName = (name: string): boolean => secretName.test(name);

/** Whether it is only told where the secret lies: `tokenFile: /run/secrets/token`. */
export const isSecretPath = (name: string, value: unknown): boolean =>
  pathName.test(name) && typeof value === 'string' && /^\/\S*$/.test(value);

const pem = /-----BEGIN [^-]+-----[\s\S]*?(?:-----END [^-]+-----|$)/g;
const webToken = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;
// RFC 9110 section 11.4: the scheme, then what proves who one is.
const proof = /\b(bearer|basic|digest|negotiate)\s+[\w+/.~=-]{4,}/gi;
// `token: x`, `"password":"x"`, and the same within a text within a text, with its backslashes.
const pair =
  /([A-Za-z][\w.-]*)(\\*["']?\s*[:=]\s*)(?:(\\*)(["'])([\s\S]*?)(?<!\\)\3\4|((?:(?:bearer|basic|digest|negotiate)\s+)?[^\s"'\\]+))/gi;
// An open quote: the text was cut.
const cutPair = /([A-Za-z][\w.-]*)(\\*["']?\s*[:=]\s*)\\*["'][^"']*$/gi;
// All up to the last @ of the word: a password may hold any character.
const userInfo = /(:\/\/)[^\s"'<>]*@/g;
const query = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>?#]*)([?#])[^\s"'<>]+/gi;
// Long words of mixed letters and digits are keys of something.
const longWord = /(?<![\w/+.-])[A-Za-z0-9+/_-]{32,}={0,2}/g;

const isKeyLike = (word: string): boolean => /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word);

/** The text without what is a secret by its form or by the word before it. */
export function withoutSecrets(text: string): string {
  return text
    .replace(pem, secretMark)
    .replace(webToken, secretMark)
    .replace(userInfo, `$1${secretMark}@`)
    .replace(query, `$1$2${secretMark}`)
    .replace(
      pair,
      (all, name: string, between: string, slashes?: string, quote?: string, inner?: string, bare?: string) => {
        if (!isSecretName(name) || isSecretPath(name, inner ?? bare)) return all;
        const marks = `${slashes ?? ''}${quote ?? ''}`;
        return `${name}${between}${marks}${secretMark}${marks}`;
      },
    )
    .replace(cutPair, (all, name: string, between: string) =>
      isSecretName(name) ? `${name}${between}${secretMark}` : all,
    )
    .replace(proof, `$1 ${secretMark}`)
    .replace(longWord, (word) => (isKeyLike(word) ? secretMark : word));
}
