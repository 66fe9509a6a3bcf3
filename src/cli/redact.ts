/**
 * Takes identities and secrets out of text: addresses and secrets by their form, names by a list of those that are known.
 * What stands for the same thing stays the same in one archive, so that a reader can follow it; it is an HMAC with a key that is
 * thrown away, so that nobody can try names.
 */

import { createHmac } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { secretMark, withoutSecrets } from './secret-words.js';

/** What a name belongs to; part of its pseudonym. */
export type IdentityKind = 'host' | 'namespace' | 'pod' | 'serial' | 'id';

/** Namespaces that every cluster has tell nothing. */
const commonWords: ReadonlySet<string> = new Set(['default', 'kube-system', 'agent', 'localhost', '']);

const secretLengthMin = 4;
/** More names than a node can have pods. */
const namesMax = 20_000;

// Paths of sockets and files are no hosts.
const locator = /\b((?!unix|file)[a-z][a-z0-9+.-]*:\/\/(?:\[secret\]@)?|(?:tcp|ssl|uri|spiffe):)([^\s"'<>\\,]+)/gi;
const userInfo = /(:\/\/)[^\s"'<>]*@/g;
// RFC 5321 section 4.1.2, somewhat wider.
const mailAddress = /[^\s"'<>()[\]{},;:=/\\@]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?/g;
// The identities of callers, as grants write them.
const callerName = /\b(cn|dns):(?=[^\s/"'\\])([^\s"'\\,;)\]]+)/g;
// Names of an interface of a service of DPF.
const serviceName = /\b(service |dpf\/)([^\s"'\\,:;)\]]+)/g;
const macAddress = /(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:])/g;
const uuid = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi;
// A datapath id holds the MAC of the bridge.
const hexIdentity = /\b(?:[0-9a-f]{16}|[0-9a-f]{12}|[0-9a-f]{32,})\b/gi;
const ipv4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/g;
const ipv6 = /(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![0-9A-Za-z:])/g;
const isLoopback = (address: string): boolean => /^(127\.|0\.0\.0\.0$|::1?$)/.test(address);

/** `host:port/path` in two. */
function hostOf(rest: string): readonly [string, string] {
  const [, host = '', tail = ''] = /^(\[[^\]]*\]|[^:/]*)(.*)$/.exec(rest) ?? [];
  return [host, tail];
}

export class Redactor {
  readonly #key: Buffer;
  readonly #names = new Map<string, IdentityKind>();
  readonly #secrets = new Set<string>();
  #pattern: RegExp | undefined;

  /** @param key random, and kept nowhere */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** From now on the name is an identity wherever it stands. The first kind wins. */
  learn(kind: IdentityKind, name: string | undefined): void {
    if (name === undefined || commonWords.has(name) || this.#names.size >= namesMax || this.#names.has(name)) return;
    this.#names.set(name, kind);
    this.#pattern = undefined;
  }

  /** From now on the text is a secret wherever it stands. What is too short for one, or a word of everyday, is not taken. */
  learnSecret(text: string): void {
    const isEveryday = text.length < secretLengthMin || /^(true|false|none|null|\d{1,5}|\/\S*)$/i.test(text);
    if (!isEveryday && this.#secrets.size < namesMax) this.#secrets.add(text);
  }

  /** Learns the hosts of all addresses in the text: elsewhere they may stand alone. */
  learnHosts(text: string): void {
    for (const [, scheme = '', rest = ''] of text.replace(userInfo, '$1').matchAll(locator)) {
      const host = hostOf(rest)[0];
      if (!/^(spiffe|uri)/i.test(scheme) && /[a-z]/i.test(host) && !host.startsWith('[')) this.learn('host', host);
    }
  }

  /** The text without identities and secrets. */
  redact(text: string): string {
    return this.#replaceNames(
      withoutSecrets(this.#replaceSecrets(text))
        .replace(locator, (_all, scheme: string, rest: string) => this.#locator(scheme, rest))
        .replace(macAddress, (mac) => this.#pseudonym('mac', mac.toLowerCase().replaceAll('-', ':')))
        .replace(uuid, (id) => this.#pseudonym('uuid', id.toLowerCase()))
        .replace(hexIdentity, (id) =>
          /[a-f]/i.test(id) || id.length >= 16 ? this.#pseudonym('hex', id.toLowerCase()) : id,
        )
        .replace(ipv4, (address) => this.#address(address, isIPv4(address)))
        .replace(ipv6, (address) => this.#address(address, isIPv6(address)))
        .replace(mailAddress, (address) => this.#pseudonym('id', address.toLowerCase()))
        .replace(callerName, (_all, scheme: string, name: string) => `${scheme}:${this.#pseudonym('id', name)}`)
        .replace(serviceName, (_all, start: string, name: string) => `${start}${this.#pseudonym('id', name)}`),
    );
  }

  #address(text: string, isAddress: boolean): string {
    return isAddress && !isLoopback(text) ? this.#pseudonym('ip', text.toLowerCase()) : text;
  }

  /** `https://host:port/path` keeps what is no name; of a SPIFFE identity nothing is. */
  #locator(scheme: string, rest: string): string {
    if (/^(spiffe|uri)/i.test(scheme)) return `${scheme}${this.#pseudonym('id', rest)}`;
    const [host, tail] = hostOf(rest);
    const isKept = host === '' || host === 'localhost' || isLoopback(host.replace(/[[\]]/g, ''));
    return isKept ? `${scheme}${rest}` : `${scheme}${this.#pseudonym('host', host.toLowerCase())}${tail}`;
  }

  #replaceSecrets(text: string): string {
    return [...this.#secrets]
      .sort((a, b) => b.length - a.length)
      .reduce((rest, secret) => rest.replaceAll(secret, secretMark), text);
  }

  #replaceNames(text: string): string {
    if (this.#names.size === 0) return text;
    this.#pattern ??= this.#buildPattern();
    return text.replace(this.#pattern, (name) => this.#pseudonym(this.#names.get(name) ?? 'id', name));
  }

  /** Longest first, so that `web-0` is not taken for `web`. */
  #buildPattern(): RegExp {
    const names = [...this.#names.keys()].sort((a, b) => b.length - a.length);
    const words = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`(?<![A-Za-z0-9])(?:${words.join('|')})(?![A-Za-z0-9])`, 'g');
  }

  #pseudonym(kind: string, value: string): string {
    // Letters only where a hex word could be taken for an identity once more.
    const digest = createHmac('sha256', this.#key).update(`${kind}\0${value}`).digest('hex').slice(0, 8);
    return `${kind}-${digest}`;
  }
}
