/**
 * The rights of the agent in the host cluster: those of the manifest in deploy/host-cluster, made for another host as its
 * comment says, in namespaces of the tests' own. So it is the manifest that is proved to suffice.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from './kube-object.js';

const manifestFile = join(import.meta.dirname, '..', '..', 'deploy', 'host-cluster', 'rbac.yaml');

/** The service account that the manifest makes for the DPU of this node. */
export const accountOf = (node: string): string => `dpu-${node}`;

/** The account, its roles and their bindings. @param namespace in place of those of the agent and of ovn-kubernetes */
export function rightsObjects(node: string, namespace: string): readonly KubeObject[] {
  const text = readFileSync(manifestFile, 'utf8').replaceAll('host-1', node);
  const documents = parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null);
  return documents
    .filter((object) => object !== null)
    .filter(({ kind }) => kind !== 'Namespace')
    .map((object) => ({ ...object, ...movedTo(object, namespace) }));
}

interface Subject {
  readonly kind: string;
  readonly name: string;
}

function movedTo(object: KubeObject, namespace: string): Partial<KubeObject> {
  const { metadata } = object;
  const subjects = object['subjects'] as readonly Subject[] | undefined;
  return {
    metadata: metadata.namespace === undefined ? metadata : { ...metadata, namespace },
    ...(subjects === undefined ? {} : { subjects: subjects.map((subject) => ({ ...subject, namespace })) }),
  };
}
