/**
 * The rules that involve more than one key, in one list. Each looks at a draft and reports what contradicts what; none
 * changes anything, and the order of the rules does not matter.
 */
import type { ConfigDraft } from './draft.js';
import type { ProblemList } from './problem-list.js';
import type { Report, Rule } from './report.js';
import { checkApi } from './rules-api.js';
import { checkAttach } from './rules-attach.js';
import { checkBridges } from './rules-bridge.js';
import { checkChains } from './rules-chain.js';
import { checkHostCluster } from './rules-host-cluster.js';
import { checkOffload } from './rules-offload.js';
import { checkPatches } from './rules-patch.js';
import { checkPorts } from './rules-port.js';
import { keyPlaceAt, type SourceNode } from './source-tree.js';

const rules: readonly Rule[] = [
  checkOvsdb,
  checkHostCluster,
  checkAttach,
  checkOffload,
  checkApi,
  checkBridges,
  checkPorts,
  checkPatches,
  checkChains,
];

/** Applies every rule; problems are placed at the key that each names. */
export function checkRules(draft: ConfigDraft, root: SourceNode, problems: ProblemList): void {
  const report: Report = (path, message, remedy) => problems.add(path, keyPlaceAt(root, path), message, remedy);
  applyRules(draft, report);
}

/** Applies every rule to a draft from wherever. */
export function applyRules(draft: ConfigDraft, report: Report): void {
  for (const rule of rules) rule(draft, report);
}

function checkOvsdb(draft: ConfigDraft, report: Report): void {
  const { endpoints = [], tls } = draft.value.ovsdb ?? {};
  const secure = endpoints.findIndex((endpoint) => endpoint.startsWith('ssl:'));
  if (secure >= 0 && tls === undefined) {
    const path = ['ovsdb', 'endpoints', secure];
    report(path, 'an ssl: endpoint needs keys and certificates', 'Give ovsdb.tls with caFile, certFile and keyFile.');
  }
  endpoints.forEach((endpoint, index) => {
    const port = /^(?:tcp|ssl):.*:(\d+)$/.exec(endpoint)?.[1];
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
      report(['ovsdb', 'endpoints', index], `port ${port} does not exist; allowed: 1 to 65535`);
    }
    if (endpoints.indexOf(endpoint) < index) report(['ovsdb', 'endpoints', index], `"${endpoint}" is given twice`);
  });
}
