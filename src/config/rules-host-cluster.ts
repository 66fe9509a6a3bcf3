/**
 * Rules about the way to the host cluster: exactly one, complete, and without keys of another. Reports only; whether the
 * files are there is seen when they are read.
 */
import { certificatesIn } from './certificates.js';
import type { ConfigDraft } from './draft.js';
import type { Report } from './report.js';
import type { HostClusterInput } from './schema-attach.js';

type Key = keyof HostClusterInput;

/** The keys that belong to each way, besides `nodeName`. */
const keysOfWay = {
  kubeconfig: ['kubeconfig', 'context'],
  inCluster: ['inCluster'],
  server: ['server', 'tokenFile', 'certFile', 'keyFile', 'caFile', 'caData'],
} as const satisfies Record<string, readonly Key[]>;

type Way = keyof typeof keysOfWay;

const section = 'hostCluster';
const waysText = 'Give one of: kubeconfig; inCluster: true; server with tokenFile, or with certFile and keyFile.';

export function checkHostCluster(draft: ConfigDraft, report: Report): void {
  const cluster = draft.value.hostCluster;
  if (cluster === undefined) return;
  const [way, ...more] = waysOf(cluster);
  if (way === undefined) {
    report([section], 'nothing says how the API server is reached', waysText);
    return;
  }
  for (const other of more) {
    report([section, other], `${other} is another way to the API server than ${way}`, 'Keep one of them.');
  }
  if (more.length > 0) return;
  checkStrayKeys(cluster, way, report);
  if (way === 'server') checkServer(cluster, report);
}

/** `inCluster: false` is no way, and harmless beside another. */
function waysOf({ kubeconfig, inCluster, server }: HostClusterInput): readonly Way[] {
  const ways: Way[] = [];
  if (kubeconfig !== undefined) ways.push('kubeconfig');
  if (inCluster === true) ways.push('inCluster');
  if (server !== undefined) ways.push('server');
  return ways;
}

function checkStrayKeys(cluster: HostClusterInput, way: Way, report: Report): void {
  for (const [owner, keys] of Object.entries<readonly Key[]>(keysOfWay)) {
    if (owner === way || owner === 'inCluster') continue;
    for (const key of keys) {
      if (cluster[key] === undefined) continue;
      report([section, key], `${key} belongs to ${owner}, but ${way} is given`, `Remove ${key}, or ${way}.`);
    }
  }
}

function checkServer(cluster: HostClusterInput, report: Report): void {
  const { server = '' } = cluster;
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || url.port === '0') {
    report([section, 'server'], `"${server}" is no address`, 'For example: https://10.0.0.1:6443');
    return;
  }
  if (url.protocol === 'http:') checkPlain(cluster, url, report);
  else checkSecure(cluster, report);
}

/** Nothing is encrypted, so it must not leave the machine; neither side can show a certificate. */
function checkPlain(cluster: HostClusterInput, url: URL, report: Report): void {
  if (!isLoopback(url.hostname)) {
    const remedy = 'Use https; http is for an API server or a proxy on this machine, such as http://127.0.0.1:8001.';
    report([section, 'server'], `http to ${url.hostname} would show everything to everybody on the way`, remedy);
    return;
  }
  for (const key of ['certFile', 'keyFile', 'caFile', 'caData'] as const) {
    if (cluster[key] !== undefined) {
      report([section, key], `${key} has no use with http`, `Remove ${key}, or use https.`);
    }
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function checkSecure(cluster: HostClusterInput, report: Report): void {
  checkIdentity(cluster, report);
  const { caFile, caData } = cluster;
  if (caFile !== undefined && caData !== undefined) {
    report([section, 'caData'], 'the authority is given twice, by caFile and by caData', 'Keep one of them.');
  } else if (caFile === undefined && caData === undefined) {
    const remedy = 'Give caFile or caData. For a server of a public authority, caFile is the bundle of the system.';
    report([section, 'server'], 'nothing says which authority signed the certificate of the server', remedy);
  }
  const read = caData === undefined ? undefined : certificatesIn(caData);
  if (read !== undefined && 'fault' in read) {
    report(
      [section, 'caData'],
      `caData ${read.fault}`,
      'Give the certificates of the authority in PEM, or base64 of that.',
    );
  }
}

function checkIdentity({ tokenFile, certFile, keyFile }: HostClusterInput, report: Report): void {
  const hasCertificate = certFile !== undefined || keyFile !== undefined;
  if (tokenFile !== undefined && hasCertificate) {
    const key = certFile === undefined ? 'keyFile' : 'certFile';
    report([section, key], 'the agent shows itself twice, by token and by certificate', 'Keep one of them.');
  } else if (tokenFile === undefined && !hasCertificate) {
    const remedy = 'Give tokenFile, or certFile and keyFile.';
    report([section, 'server'], 'nothing says as whom the agent shows itself to the server', remedy);
  } else if (hasCertificate && (certFile === undefined || keyFile === undefined)) {
    const [given, absent] = certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    report([section, given], `${given} needs ${absent}`, `Give ${absent} too.`);
  }
}
