/** A kubeconfig for the embedded server, as text and as a file. JSON is YAML, so no writer of YAML is needed. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientCertificate } from './certificates.js';

export interface KubeconfigFacts {
  readonly server: string;
  readonly user: string;
  /** The authority's certificate, PEM; undefined over plain HTTP. */
  readonly ca: string | undefined;
  readonly token?: string;
  readonly certificate?: ClientCertificate;
  readonly namespace?: string;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The text of the kubeconfig. */
export function formatKubeconfig(facts: KubeconfigFacts): string {
  const name = 'embedded';
  const { ca, token, certificate } = facts;
  const cluster = { server: facts.server, ...(ca === undefined ? {} : { 'certificate-authority-data': base64(ca) }) };
  const user = {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined
      ? {}
      : { 'client-certificate-data': base64(certificate.cert), 'client-key-data': base64(certificate.key) }),
  };
  const context = { cluster: name, user: facts.user, namespace: facts.namespace ?? 'default' };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name: facts.user, user }],
    contexts: [{ name, context }],
    'current-context': name,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes it into a directory, readable by its owner alone. Returns the file's path. */
export async function writeKubeconfigFile(directory: string, facts: KubeconfigFacts): Promise<string> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, `kubeconfig-${facts.user.replaceAll(/[^A-Za-z0-9.-]/g, '_')}`);
  await writeFile(file, formatKubeconfig(facts), { mode: 0o600 });
  return file;
}
