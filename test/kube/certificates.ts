/** Certificates made by openssl in a folder of their own: authorities, and leaves that they sign. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PemFiles {
  readonly keyFile: string;
  readonly certFile: string;
}

export class CertificateFolder {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<CertificateFolder> {
    return new CertificateFolder(await mkdtemp(join(tmpdir(), 'kube-test-')));
  }

  async authority(name: string): Promise<PemFiles> {
    const args = ['req', '-x509', ...this.#keyArgs(name), '-subj', `/CN=${name}`, '-days', '2'];
    await this.#openssl(...args, '-out', `${name}.pem`);
    return this.#files(name);
  }

  /** A certificate for localhost and `extraNames`, signed by `authority`. */
  async leaf(name: string, authority: string, names = 'DNS:localhost,IP:127.0.0.1'): Promise<PemFiles> {
    await writeFile(join(this.dir, `${name}.cnf`), `subjectAltName=${names}\n`);
    await this.#openssl('req', ...this.#keyArgs(name), '-subj', `/CN=${name}/O=testers`, '-out', `${name}.csr`);
    const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-days', '2'];
    await this.#openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      '-extfile',
      `${name}.cnf`,
      '-out',
      `${name}.pem`,
    );
    return this.#files(name);
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }

  #keyArgs(name: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
  }

  #files(name: string): PemFiles {
    return { keyFile: join(this.dir, `${name}.key`), certFile: join(this.dir, `${name}.pem`) };
  }

  async #openssl(...args: string[]): Promise<void> {
    await run('openssl', args, { cwd: this.dir });
  }
}
