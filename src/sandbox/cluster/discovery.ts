/**
 * What the server has: API groups, versions and resources (legacy and aggregated discovery), and its version. Made from
 * the table of types.
 */

import { reviewGroup } from './access-review.js';
import { serverName } from './exchange.js';
import type { Json, JsonObject } from './json.js';
import { apiVersionOf } from './resource-type.js';
import type { ResourceType } from './resource-type.js';
import { resourceTypes } from './resource-types.js';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const statusVerbs = ['get', 'patch', 'update'];
const reviews = ['SelfSubjectAccessReview', 'SelfSubjectRulesReview'];

/** The version document. The git version says that this is no real cluster. */
export const versionInfo: JsonObject = {
  major: '1',
  minor: '32',
  gitVersion: `v1.32.0-${serverName}`,
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'node',
};

/** `v1`, `coordination.k8s.io/v1` … each once. */
export const groupVersions: readonly string[] = [...new Set(resourceTypes.map(apiVersionOf)), `${reviewGroup}/v1`];

export function apiVersions(address: string): JsonObject {
  const byClient = [{ clientCIDR: '0.0.0.0/0', serverAddress: address }];
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: byClient };
}

function groupOf(groupVersion: string): JsonObject {
  const [name = '', version = ''] = groupVersion.split('/');
  const entry = { groupVersion, version };
  return { name, versions: [entry], preferredVersion: entry };
}

export function apiGroups(): JsonObject {
  const groups = groupVersions.filter((entry) => entry.includes('/')).map(groupOf);
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** One group by its name; undefined where there is none. */
export function apiGroup(name: string): JsonObject | undefined {
  const found = groupVersions.find((entry) => entry.startsWith(`${name}/`));
  return found === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(found) };
}

function resourceEntry(type: ResourceType): JsonObject {
  return {
    name: type.plural,
    singularName: type.singular,
    namespaced: type.isNamespaced,
    kind: type.kind,
    verbs: [...verbs],
    ...(type.shortNames.length === 0 ? {} : { shortNames: [...type.shortNames] }),
    ...(type.categories.length === 0 ? {} : { categories: [...type.categories] }),
  };
}

const subresourceKinds: Readonly<Record<string, Pick<ResourceType, 'group' | 'version' | 'kind'>>> = {
  binding: { group: '', version: 'v1', kind: 'Binding' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
};

function subresourceEntry(type: ResourceType, subresource: string): JsonObject {
  const other = subresourceKinds[subresource];
  return {
    name: `${type.plural}/${subresource}`,
    singularName: '',
    namespaced: type.isNamespaced,
    ...(other === undefined || other.group === '' ? {} : { group: other.group, version: other.version }),
    kind: other?.kind ?? type.kind,
    verbs: subresource === 'status' ? [...statusVerbs] : ['create'],
  };
}

/** The resources of one group version; undefined where there is none. */
export function apiResources(groupVersion: string): JsonObject | undefined {
  if (!groupVersions.includes(groupVersion)) return undefined;
  const types = resourceTypes.filter((type) => apiVersionOf(type) === groupVersion);
  const entries = types.flatMap((type) => [
    resourceEntry(type),
    ...type.subresources.map((subresource) => subresourceEntry(type, subresource)),
  ]);
  const resources: Json[] = groupVersion === `${reviewGroup}/v1` ? reviews.map(reviewEntry) : entries;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

function reviewEntry(kind: string): JsonObject {
  return {
    name: `${kind.toLowerCase()}s`,
    singularName: kind.toLowerCase(),
    namespaced: false,
    kind,
    verbs: ['create'],
  };
}
