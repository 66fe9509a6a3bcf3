/** The rules of section `api`: what listens beyond this machine shows who it is, and knows who calls. */
import { isIP } from 'node:net';
import { canonicalAddress, isWildcardAddress } from '../lib/ip-address.js';
import type { ConfigDraft } from './draft.js';
import type { Report } from './report.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

/** Whether only processes of this machine reach the address. */
export function isLoopback(listen: string): boolean {
  const { host } = addressOf(listen);
  const address = canonicalAddress(host);
  return host === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function checkAddress(listen: string, path: readonly (string | number)[], report: Report): void {
  const { host, port } = addressOf(listen);
  if (port > 65_535) report(path, `port ${port} does not exist; allowed: 0 to 65535`);
  if (isIP(host) === 0 && host !== 'localhost') {
    report(path, `"${host}" is not an address; allowed: an IP address of this machine, or localhost`);
  }
  if (isWildcardAddress(host)) {
    report(path, `"${host}" would listen on every link, those to the host too`, 'Name the addresses to listen at.');
  }
}

export function checkApi(draft: ConfigDraft, report: Report): void {
  const { grpc, http } = draft.value.api ?? {};
  if (grpc !== undefined) {
    grpc.listen.forEach((listen, index) => {
      const path = ['api', 'grpc', 'listen', index];
      checkAddress(listen, path, report);
      if (grpc.listen.indexOf(listen) < index) report(path, `"${listen}" is given twice`);
    });
    if (grpc.listen.length > 0 && grpc.tls === undefined) {
      report(
        ['api', 'grpc', 'listen'],
        'listening beyond the socket needs keys and certificates',
        'Give api.grpc.tls with certFile, keyFile and clientCaFile.',
      );
    }
    grpc.grants.forEach(({ role, owners, identity }, index) => {
      if (owners !== undefined && role !== 'controller') {
        report(['api', 'grpc', 'grants', index, 'owners'], `owners are for role controller, not ${role}`);
      }
      const isRepeated = grpc.grants.findIndex((other) => other.identity === identity && other.role === role) < index;
      if (isRepeated) report(['api', 'grpc', 'grants', index], `"${identity}" has role ${role} twice`);
    });
  }
  if (http !== undefined) {
    checkAddress(http.listen, ['api', 'http', 'listen'], report);
    const isGuarded = http.tls !== undefined && (http.tokenFile !== undefined || http.tls.clientCaFile !== undefined);
    if (!isLoopback(http.listen) && !isGuarded) {
      report(
        ['api', 'http', 'listen'],
        `"${http.listen}" can be reached from outside, so it needs certificates and a way to know the caller`,
        'Give api.http.tls, and api.http.tokenFile or api.http.tls.clientCaFile; or listen at 127.0.0.1.',
      );
    }
  }
}
