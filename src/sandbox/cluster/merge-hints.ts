/**
 * Which lists of the served kinds are merged by key, as sets, or as one value: the `patchMergeKey` and
 * `x-kubernetes-list-type` marks of the Kubernetes API types. Strategic merge patch and server-side apply read it.
 * Paths go through lists without naming an item (`spec.containers.env`).
 */

/** `strategic`: the key of strategic merge patch, '' for a list of plain values. `apply`: how server-side apply sees it. */
export interface ListHint {
  readonly strategic?: string;
  readonly apply?: readonly string[] | 'set';
}

const containerLists = (path: string): Readonly<Record<string, ListHint>> => ({
  [path]: { strategic: 'name', apply: ['name'] },
  [`${path}.env`]: { strategic: 'name', apply: ['name'] },
  [`${path}.ports`]: { strategic: 'containerPort', apply: ['containerPort', 'protocol'] },
  [`${path}.volumeMounts`]: { strategic: 'mountPath', apply: ['mountPath'] },
  [`${path}.volumeDevices`]: { strategic: 'devicePath', apply: ['devicePath'] },
  [`${path}.resizePolicy`]: {},
});

const everyKind: Readonly<Record<string, ListHint>> = {
  'metadata.ownerReferences': { strategic: 'uid', apply: ['uid'] },
  'metadata.finalizers': { strategic: '', apply: 'set' },
};

const byKind: Readonly<Record<string, Readonly<Record<string, ListHint>>>> = {
  Pod: {
    ...containerLists('spec.containers'),
    ...containerLists('spec.initContainers'),
    ...containerLists('spec.ephemeralContainers'),
    'spec.volumes': { strategic: 'name', apply: ['name'] },
    'spec.imagePullSecrets': { strategic: 'name', apply: ['name'] },
    'spec.hostAliases': { strategic: 'ip', apply: ['ip'] },
    'spec.topologySpreadConstraints': { strategic: 'topologyKey', apply: ['topologyKey', 'whenUnsatisfiable'] },
    'status.conditions': { strategic: 'type', apply: ['type'] },
    'status.podIPs': { strategic: 'ip', apply: ['ip'] },
    'status.hostIPs': { strategic: 'ip' },
  },
  Node: {
    'spec.podCIDRs': { strategic: '', apply: 'set' },
    'spec.taints': { strategic: 'key' },
    'status.conditions': { strategic: 'type', apply: ['type'] },
    'status.addresses': { strategic: 'type' },
  },
  Namespace: {
    'status.conditions': { strategic: 'type', apply: ['type'] },
  },
  ServiceAccount: {
    secrets: { strategic: 'name', apply: ['name'] },
    imagePullSecrets: { strategic: 'name' },
  },
};

/** Maps that server-side apply treats as one value. */
const atomicMaps = new Set([
  'spec.nodeSelector',
  'involvedObject',
  'regarding',
  'related',
  'spec.volumes.secret',
  'roleRef',
]);

/** What is known of the list at a path of a kind. */
export function listHint(kind: string, path: string): ListHint | undefined {
  return everyKind[path] ?? byKind[kind]?.[path];
}

/** Whether server-side apply treats the map at a path as one value. */
export function isAtomicMap(path: string): boolean {
  return atomicMaps.has(path);
}
