/**
 * The rights of the agent in the host cluster, as objects under names of the tests' own: those of the project's manifest,
 * so that it is the manifest which is proved to suffice.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './kube-object.js';

const manifestFile = join(import.meta.dirname, '..', '..', 'deploy', 'host-cluster', 'rbac.yaml');
const rbacApi = 'rbac.authorization.k8s.io';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface RightsNames {
  /** Prefix of the names of what belongs to no namespace. */
  readonly prefix: string;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly account: string;
}

/** The least rights, for a tree without the manifest. */
const clusterRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['k8s.cni.cncf.io'], resources: ['network-attachment-definitions'], verbs: ['list', 'watch'] },
];

/** … in the namespace of the lease. RBAC cannot restrict a creation to a name. */
const leaseRules: readonly Rule[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'update'], resourceNames: ['ovn-dpu-'] },
];

/** Roles and bindings for the account. */
export function rightsObjects(names: RightsNames): readonly KubeObject[] {
  const documents = existsSync(manifestFile) ? manifestObjects() : plainObjects();
  return documents
    .filter(({ kind = '' }) => /^(?:Cluster)?Role(?:Binding)?$/.test(kind))
    .map((object) => renamed(object, names));
}

function manifestObjects(): readonly KubeObject[] {
  const documents = parseAllDocuments(readFileSync(manifestFile, 'utf8'));
  return documents.map((document) => document.toJS() as KubeObject | null).filter((object) => object !== null);
}

function plainObjects(): readonly KubeObject[] {
  const metadata = { name: 'dpu-node-agent' };
  const roleOf = (kind: string, rules: readonly Rule[]): KubeObject => ({ kind, metadata, rules });
  const bindingOf = (kind: string): KubeObject => ({
    kind: `${kind}Binding`,
    metadata,
    roleRef: { kind, ...metadata },
  });
  return [roleOf('ClusterRole', clusterRules), bindingOf('ClusterRole'), roleOf('Role', leaseRules), bindingOf('Role')];
}

/** The same rights under another name, for another account and the lease of another node. */
function renamed(object: KubeObject, names: RightsNames): KubeObject {
  const { kind = '', metadata } = object;
  const isCluster = kind.startsWith('Cluster');
  const name = `${names.prefix}-${metadata.name}`;
  const common = {
    apiVersion: `${rbacApi}/v1`,
    kind,
    metadata: isCluster ? { name } : { name, namespace: names.leaseNamespace },
  };
  if (!kind.endsWith('Binding')) {
    const rules = (object['rules'] as readonly Rule[]).map((rule) => ruleOf(rule, names));
    return { ...common, rules };
  }
  const role = object['roleRef'] as { readonly kind: string; readonly name: string };
  return {
    ...common,
    roleRef: { apiGroup: rbacApi, kind: role.kind, name: `${names.prefix}-${role.name}` },
    subjects: [{ kind: 'ServiceAccount', name: names.account, namespace: names.leaseNamespace }],
  };
}

function ruleOf(rule: Rule, { leaseName }: RightsNames): Rule {
  return rule.resourceNames === undefined ? rule : { ...rule, resourceNames: [leaseName] };
}
