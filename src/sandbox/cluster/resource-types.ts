/**
 * The kinds of objects that the embedded server serves. One table, from which routing, discovery, the OpenAPI documents
 * and the selectors are made.
 */

import { eventConversion } from './event-conversion.js';
import type { ResourceType } from './resource-type.js';

const metaFields = { 'metadata.name': 'metadata.name' };
const namespacedFields = { ...metaFields, 'metadata.namespace': 'metadata.namespace' };

const core: ResourceType = {
  group: '',
  version: 'v1',
  plural: '',
  singular: '',
  kind: '',
  shortNames: [],
  categories: [],
  isNamespaced: true,
  nameRule: 'subdomain',
  subresources: [],
  fields: namespacedFields,
  storedIn: '',
  isCustom: false,
  takesBlindUpdates: true,
  createsOnUpdate: false,
  returnsDeleted: false,
};

type TypeFacts = Partial<ResourceType> & Pick<ResourceType, 'plural' | 'singular' | 'kind'>;

function describeType(facts: TypeFacts): ResourceType {
  const fields = facts.isNamespaced === false ? metaFields : namespacedFields;
  return { ...core, fields, storedIn: facts.plural, ...facts };
}

const eventFields = {
  ...namespacedFields,
  reason: 'reason',
  type: 'type',
  reportingComponent: 'reportingComponent',
  source: 'source.component',
  'involvedObject.kind': 'involvedObject.kind',
  'involvedObject.namespace': 'involvedObject.namespace',
  'involvedObject.name': 'involvedObject.name',
  'involvedObject.uid': 'involvedObject.uid',
  'involvedObject.apiVersion': 'involvedObject.apiVersion',
  'involvedObject.resourceVersion': 'involvedObject.resourceVersion',
  'involvedObject.fieldPath': 'involvedObject.fieldPath',
};

const eventsGroupFields = {
  ...namespacedFields,
  reason: 'reason',
  type: 'type',
  reportingController: 'reportingComponent',
  'regarding.kind': 'involvedObject.kind',
  'regarding.namespace': 'involvedObject.namespace',
  'regarding.name': 'involvedObject.name',
  'regarding.uid': 'involvedObject.uid',
  'regarding.apiVersion': 'involvedObject.apiVersion',
};

const podFields = {
  ...namespacedFields,
  'spec.nodeName': 'spec.nodeName',
  'spec.restartPolicy': 'spec.restartPolicy',
  'spec.schedulerName': 'spec.schedulerName',
  'spec.serviceAccountName': 'spec.serviceAccountName',
  'spec.hostNetwork': 'spec.hostNetwork',
  'status.phase': 'status.phase',
  'status.podIP': 'status.podIP',
  'status.nominatedNodeName': 'status.nominatedNodeName',
};

const rbac = { group: 'rbac.authorization.k8s.io', nameRule: 'segment' } as const;

/** Every kind that is served. */
export const resourceTypes: readonly ResourceType[] = [
  describeType({
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    shortNames: ['ns'],
    isNamespaced: false,
    nameRule: 'label',
    subresources: ['status'],
    fields: { ...metaFields, 'status.phase': 'status.phase', name: 'metadata.name' },
    returnsDeleted: true,
  }),
  describeType({
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    shortNames: ['no'],
    isNamespaced: false,
    subresources: ['status'],
    fields: { ...metaFields, 'spec.unschedulable': 'spec.unschedulable' },
  }),
  describeType({
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
    subresources: ['status', 'binding'],
    fields: podFields,
    returnsDeleted: true,
  }),
  describeType({
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    shortNames: ['ev'],
    createsOnUpdate: true,
    fields: eventFields,
  }),
  describeType({
    group: 'events.k8s.io',
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    shortNames: ['ev'],
    createsOnUpdate: true,
    fields: eventsGroupFields,
    conversion: eventConversion,
  }),
  describeType({
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    kind: 'ServiceAccount',
    shortNames: ['sa'],
    subresources: ['token'],
    returnsDeleted: true,
  }),
  describeType({ plural: 'configmaps', singular: 'configmap', kind: 'ConfigMap', shortNames: ['cm'] }),
  describeType({
    plural: 'secrets',
    singular: 'secret',
    kind: 'Secret',
    fields: { ...namespacedFields, type: 'type' },
  }),
  describeType({
    group: 'coordination.k8s.io',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    takesBlindUpdates: false,
    createsOnUpdate: true,
  }),
  describeType({
    group: 'k8s.cni.cncf.io',
    plural: 'network-attachment-definitions',
    singular: 'network-attachment-definition',
    kind: 'NetworkAttachmentDefinition',
    shortNames: ['net-attach-def'],
    isCustom: true,
    takesBlindUpdates: false,
  }),
  describeType({ ...rbac, plural: 'clusterroles', singular: 'clusterrole', kind: 'ClusterRole', isNamespaced: false }),
  describeType({
    ...rbac,
    plural: 'clusterrolebindings',
    singular: 'clusterrolebinding',
    kind: 'ClusterRoleBinding',
    isNamespaced: false,
  }),
  describeType({ ...rbac, plural: 'roles', singular: 'role', kind: 'Role' }),
  describeType({ ...rbac, plural: 'rolebindings', singular: 'rolebinding', kind: 'RoleBinding' }),
];

/** The type that serves a path, if there is one. */
export function typeByPlural(group: string, version: string, plural: string): ResourceType | undefined {
  return resourceTypes.find((t) => t.group === group && t.version === version && t.plural === plural);
}

/** The type of an object by its `apiVersion` and `kind`, if there is one. */
export function typeByKind(apiVersion: string, kind: string): ResourceType | undefined {
  return resourceTypes.find(
    (t) => t.kind === kind && (t.group === '' ? 'v1' : `${t.group}/${t.version}`) === apiVersion,
  );
}
