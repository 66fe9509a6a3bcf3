/** Certificates of the server from files, looked at again and again: a tool that rotates them replaces them whenever it likes. */

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from '../../lib/clock.js';
import { AgentError, toError } from '../../lib/errors.js';

/** As `api.http.tls` of the configuration. */
export interface TlsFilesConfig {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string;
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly minVersion: 'TLSv1.3';
}

/** Between two looks at the files, ms. They are small, and a new certificate is issued long before the old one ends. */
const lookEveryMs = 5_000;

/** @throws AgentError API_ADDRESS when a file cannot be read, or key and certificate do not belong together */
export async function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsFilesConfig): Promise<TlsMaterial> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    const ca = clientCaFile === undefined ? undefined : await readFile(clientCaFile);
    const material: TlsMaterial = { cert, key, minVersion: 'TLSv1.3', ...(ca === undefined ? {} : { ca }) };
    check(material);
    return material;
  } catch (error) {
    throw new AgentError('API_ADDRESS', `the certificates of the HTTP API cannot be used: ${toError(error).message}`, {
      cause: error,
      remedy: 'See that api.http.tls names PEM files that belong together and can be read.',
    });
  }
}

/** Half of a rotation, a new key beside an old certificate, must not be taken. */
function check(material: TlsMaterial): void {
  const options: SecureContextOptions = material;
  createSecureContext(options);
  if (!new X509Certificate(material.cert).checkPrivateKey(createPrivateKey(material.key))) {
    throw new Error('the key is not that of the certificate');
  }
  if (material.ca !== undefined) new X509Certificate(material.ca);
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  const isSameCa = a.ca === undefined || b.ca === undefined ? a.ca === b.ca : a.ca.equals(b.ca);
  return isSameCa && a.cert.equals(b.cert) && a.key.equals(b.key);
}

/** Tells each new content of the files, until it is closed. Files that cannot be used leave the former content in force. */
export class TlsWatch {
  readonly #config: TlsFilesConfig;
  readonly #clock: Clock;
  readonly #onChange: (material: TlsMaterial) => void;
  readonly #onTrouble: (error: Error) => void;
  #current: TlsMaterial;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(
    config: TlsFilesConfig,
    current: TlsMaterial,
    clock: Clock,
    onChange: (material: TlsMaterial) => void,
    onTrouble: (error: Error) => void,
  ) {
    this.#config = config;
    this.#current = current;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#onTrouble = onTrouble;
    this.#wait();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (!this.#isClosed) this.#timer = this.#clock.after(lookEveryMs, () => void this.#look(), true);
  }

  async #look(): Promise<void> {
    try {
      const material = await readTlsFiles(this.#config);
      if (!this.#isClosed && !isSame(material, this.#current)) {
        this.#current = material;
        this.#onChange(material);
      }
    } catch (error) {
      this.#onTrouble(toError(error));
    }
    this.#wait();
  }
}
