/**
 * Writing pods as k8s.io/kubernetes/pkg/registry/core/pod/strategy.go does: a new pod is Pending whatever it says; a
 * write to the pod keeps the status; a write to `pods/status` keeps the spec, owner references and deletion time but
 * takes annotations and labels; and the spec hardly changes at all. Pure.
 */

import {
  cloneJson,
  ensureObject,
  isObject,
  isSameJson,
  listAt,
  member,
  objectAt,
  put,
  textAt,
  valueAt,
} from './json.js';
import type { Json, JsonObject } from './json.js';
import { isLabel } from './names.js';
import { duplicate, forbiddenField, required, wrong } from './status.js';
import type { FieldProblem } from './status.js';
import type { Strategy } from './strategy-shape.js';

const specDefaults: JsonObject = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  serviceAccountName: 'default',
  serviceAccount: 'default',
  securityContext: {},
  schedulerName: 'default-scheduler',
  enableServiceLinks: true,
  priority: 0,
  preemptionPolicy: 'PreemptLowerPriority',
};

const containerDefaults: JsonObject = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
};

function fillIn(target: JsonObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) {
    const given = member(target, key);
    if (given === undefined || given === null || given === '') put(target, key, cloneJson(value));
  }
}

function defaultPullPolicy(image: string): string {
  const tag = /:([^/:@]+)$/.exec(image)?.[1] ?? (image.includes('@') ? 'digest' : 'latest');
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultSpec(spec: JsonObject): void {
  fillIn(spec, specDefaults);
  for (const container of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')]) {
    if (!isObject(container)) continue;
    fillIn(container, { ...containerDefaults, imagePullPolicy: defaultPullPolicy(textAt(container, 'image')) });
    for (const port of listAt(container, 'ports')) if (isObject(port)) fillIn(port, { protocol: 'TCP' });
    defaultRequests(container);
  }
}

/** A limit without a request is a request. */
function defaultRequests(container: JsonObject): void {
  const resources = objectAt(container, 'resources');
  const limits = objectAt(resources, 'limits');
  if (resources === undefined || limits === undefined) return;
  const requests = { ...limits, ...objectAt(resources, 'requests') };
  resources['requests'] = requests;
}

/** Guaranteed, Burstable or BestEffort, by cpu and memory alone (pkg/apis/core/helper/qos). */
function qosClass(spec: JsonObject | undefined): string {
  const containers = [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')].filter(isObject);
  const amounts = (part: string): (Json | undefined)[] =>
    containers.flatMap((c) => ['cpu', 'memory'].map((name) => valueAt(c, 'resources', part, name)));
  const limits = amounts('limits');
  const requests = amounts('requests');
  if ([...limits, ...requests].every((amount) => amount === undefined)) return 'BestEffort';
  const isGuaranteed = limits.every((amount, i) => amount !== undefined && isSameJson(amount, requests[i]));
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function containerProblems(container: Json, field: string): FieldProblem[] {
  if (!isObject(container)) return [required(field)];
  const found: FieldProblem[] = [];
  const name = textAt(container, 'name');
  if (name === '') found.push(required(`${field}.name`));
  else if (!isLabel(name)) found.push(wrong(`${field}.name`, name, 'a lowercase RFC 1123 label is required'));
  if (textAt(container, 'image') === '') found.push(required(`${field}.image`));
  return found;
}

function repeated(containers: readonly Json[], field: string): FieldProblem[] {
  const names = containers.map((container) => (isObject(container) ? textAt(container, 'name') : ''));
  return names.flatMap((name, i) =>
    name !== '' && names.indexOf(name) < i ? [duplicate(`${field}[${i}].name`, name)] : [],
  );
}

function specProblems(object: JsonObject): FieldProblem[] {
  const spec = objectAt(object, 'spec');
  const containers = listAt(spec, 'containers');
  const found: FieldProblem[] = containers.length === 0 ? [required('spec.containers')] : [];
  containers.forEach((entry, i) => found.push(...containerProblems(entry, `spec.containers[${i}]`)));
  found.push(...repeated(containers, 'spec.containers'));
  const policy = textAt(spec, 'restartPolicy');
  if (!['Always', 'OnFailure', 'Never'].includes(policy)) {
    const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: "Always", "Never", "OnFailure"`;
    found.push({ field: 'spec.restartPolicy', reason: 'FieldValueInvalid', message });
  }
  return found;
}

const changeable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n';

/** The spec with what an update may change taken out. */
function fixedSpec(object: JsonObject): JsonObject {
  const spec = cloneJson(objectAt(object, 'spec') ?? {});
  for (const container of [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')]) {
    if (isObject(container)) delete container['image'];
  }
  delete spec['activeDeadlineSeconds'];
  delete spec['tolerations'];
  return spec;
}

function hasAllTolerations(next: JsonObject, old: JsonObject): boolean {
  const now = listAt(next, 'spec', 'tolerations');
  return listAt(old, 'spec', 'tolerations').every((kept) => now.some((entry) => isSameJson(entry, kept)));
}

/** Puts a member of an object inside the pod back to what it was. */
function keep(next: JsonObject | undefined, old: JsonObject | undefined, key: string): void {
  if (next === undefined) return;
  const value = member(old, key);
  if (value === undefined) Reflect.deleteProperty(next, key);
  else put(next, key, value);
}

export const podStrategy: Strategy = {
  prepareCreate(object) {
    const spec = objectAt(object, 'spec');
    if (spec !== undefined) defaultSpec(spec);
    object['status'] = { phase: 'Pending', qosClass: qosClass(spec) };
  },
  prepareUpdate(next, old) {
    const spec = objectAt(next, 'spec');
    if (spec !== undefined) defaultSpec(spec);
    keep(next, old, 'status');
  },
  prepareStatus(next, old) {
    keep(next, old, 'spec');
    keep(objectAt(next, 'metadata'), objectAt(old, 'metadata'), 'ownerReferences');
    keep(objectAt(next, 'metadata'), objectAt(old, 'metadata'), 'deletionTimestamp');
    const status = ensureObject(next, 'status');
    if (textAt(status, 'qosClass') === '') keep(status, objectAt(old, 'status'), 'qosClass');
  },
  problems: specProblems,
  updateProblems(next, old) {
    const isSame = isSameJson(fixedSpec(next), fixedSpec(old)) && hasAllTolerations(next, old);
    return isSame ? [] : [forbiddenField('spec', changeable)];
  },
};
