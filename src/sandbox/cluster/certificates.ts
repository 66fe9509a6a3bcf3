/**
 * Certificates for the embedded server, made with openssl: an authority, the server's own for the loopback address, and
 * those of clients on demand. Everything stays in one directory, which goes with the server.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const runLimits = { timeout: 30_000, maxBuffer: 1024 * 1024 };
const daysValid = '30';

/** A certificate with its key, PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly directory: string;
  /** The authority's certificate, PEM. */
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

async function openssl(directory: string, ...args: readonly string[]): Promise<void> {
  await run('openssl', [...args], { ...runLimits, cwd: directory });
}

async function makeKey(directory: string, name: string): Promise<void> {
  await openssl(directory, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
}

async function sign(directory: string, name: string, subject: string, extensions: string): Promise<ClientCertificate> {
  await makeKey(directory, name);
  await writeFile(join(directory, `${name}.ext`), extensions);
  await openssl(directory, 'req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', daysValid];
  await openssl(
    directory,
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...signing,
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.crt`,
  );
  const [cert, key] = await Promise.all(
    ['crt', 'key'].map((end) => readFile(join(directory, `${name}.${end}`), 'utf8')),
  );
  return { cert: cert ?? '', key: key ?? '' };
}

/** Makes an authority and the server's certificate. Rejects when openssl is missing. */
export async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), 'embedded-cluster-'));
  await makeKey(directory, 'ca');
  const authority = ['-x509', '-new', '-key', 'ca.key', '-days', daysValid, '-subj', '/CN=embedded-cluster-ca'];
  await openssl(directory, 'req', ...authority, '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-out', 'ca.crt');
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n';
  const server = await sign(directory, 'server', '/CN=embedded-cluster', names);
  const ca = await readFile(join(directory, 'ca.crt'), 'utf8');
  return { directory, ca, serverCert: server.cert, serverKey: server.key };
}

/** A certificate that authenticates a user: the common name is the user, organisations are groups. */
export async function makeClientCertificate(
  certificates: Certificates,
  user: string,
  groups: readonly string[] = [],
): Promise<ClientCertificate> {
  const subject = [...groups.map((group) => `/O=${escapePart(group)}`), `/CN=${escapePart(user)}`].join('');
  const file = `client-${Buffer.from(user).toString('hex').slice(0, 40)}`;
  return sign(certificates.directory, file, subject, 'extendedKeyUsage=clientAuth\n');
}

function escapePart(text: string): string {
  return text.replaceAll(/[\\/+]/g, '\\$&');
}

/** Removes the files. */
export async function removeCertificates(certificates: Certificates): Promise<void> {
  await rm(certificates.directory, { recursive: true, force: true });
}
