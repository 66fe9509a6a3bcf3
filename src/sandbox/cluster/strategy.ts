/**
 * What is special about writing each kind: the parts that a write may not touch, the defaults, and the rules
 * (the `strategy.go` files of k8s.io/kubernetes/pkg/registry). Pods have a file of their own. Pure.
 */

import { ensureObject, isObject, member, objectAt, put, textAt, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import { podStrategy } from './pod-strategy.js';
import type { ResourceType } from './resource-type.js';
import type { Strategy } from './strategy-shape.js';
import { required, wrong } from './status.js';
import type { FieldProblem } from './status.js';

/** Puts a top-level member back to what it was. */
export function keepMember(next: JsonObject, old: JsonObject, key: string): void {
  const value = member(old, key);
  if (value === undefined) Reflect.deleteProperty(next, key);
  else put(next, key, value);
}

const namespaceStrategy: Strategy = {
  prepareCreate(object) {
    object['spec'] = { finalizers: ['kubernetes'] };
    object['status'] = { phase: 'Active' };
    const labels = ensureObject(ensureObject(object, 'metadata'), 'labels');
    labels['kubernetes.io/metadata.name'] = textAt(object, 'metadata', 'name');
  },
  prepareUpdate(next, old) {
    keepMember(next, old, 'spec');
    keepMember(next, old, 'status');
  },
  prepareStatus: (next, old) => keepMember(next, old, 'spec'),
};

/** Unlike most kinds, a node may be created with its status: kubelets do. */
const nodeStrategy: Strategy = {
  prepareCreate(object) {
    if (!isObject(object['spec'])) object['spec'] = {};
    if (!isObject(object['status'])) object['status'] = {};
  },
  prepareUpdate: (next, old) => keepMember(next, old, 'status'),
  prepareStatus: (next, old) => keepMember(next, old, 'spec'),
};

/** Go reads a layout of six decimals with exactly six (time.Parse): a time as JavaScript writes it, with three, is refused. */
const microTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(?:Z|[+-]\d{2}:\d{2})$/;

const leaseStrategy: Strategy = {
  prepareCreate(object) {
    if (!isObject(object['spec'])) object['spec'] = {};
  },
  decodingFault(object) {
    const times = ['renewTime', 'acquireTime'].map((field) => valueAt(object, 'spec', field) ?? null);
    const wrongTime = times.find((time) => time !== null && (typeof time !== 'string' || !microTime.test(time)));
    if (wrongTime === undefined) return undefined;
    const text = JSON.stringify(wrongTime);
    return `parsing time ${text} as "2006-01-02T15:04:05.000000Z07:00": cannot parse ${text}`;
  },
  problems(object) {
    const spec = objectAt(object, 'spec');
    const found: FieldProblem[] = [];
    const seconds = valueAt(spec, 'leaseDurationSeconds') ?? null;
    if (seconds !== null && (typeof seconds !== 'number' || seconds <= 0)) {
      found.push(wrong('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
    }
    const transitions = valueAt(spec, 'leaseTransitions') ?? null;
    if (transitions !== null && (typeof transitions !== 'number' || transitions < 0)) {
      found.push(wrong('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
    }
    return found;
  },
};

/** core/v1 rules for the older kind of event; what events.k8s.io demands in addition is checked on its eventTime. */
const eventStrategy: Strategy = {
  problems(object) {
    const namespace = textAt(object, 'metadata', 'namespace');
    const involved = textAt(object, 'involvedObject', 'namespace');
    const isFine = involved === '' ? namespace === 'default' || namespace === 'kube-system' : involved === namespace;
    const found = isFine ? [] : [wrong('involvedObject.namespace', involved, 'does not match event.namespace')];
    const isNewKind = typeof valueAt(object, 'eventTime') === 'string';
    if (isNewKind) {
      for (const field of ['reportingComponent', 'reportingInstance', 'action', 'reason']) {
        if (textAt(object, field) === '')
          found.push(required(field === 'reportingComponent' ? 'reportingController' : field));
      }
      const type = textAt(object, 'type');
      if (type !== 'Normal' && type !== 'Warning') found.push(wrong('type', type, 'has invalid value'));
    }
    const message = textAt(object, 'message');
    if (isNewKind && message.length > 1024) found.push(wrong('note', '', 'can have at most 1024 characters'));
    return found;
  },
};

/** The name says which of the rules of RBAC objects hold: `rules` for roles, `roleRef` and `subjects` for bindings. */
const bindingStrategy: Strategy = {
  problems: (object) => (textAt(object, 'roleRef', 'name') === '' ? [required('roleRef.name')] : []),
  updateProblems(next, old) {
    const isSame = JSON.stringify(next['roleRef']) === JSON.stringify(old['roleRef']);
    return isSame ? [] : [wrong('roleRef', next['roleRef'] ?? null, 'cannot change roleRef')];
  },
};

const strategies: Readonly<Record<string, Strategy>> = {
  pods: podStrategy,
  namespaces: namespaceStrategy,
  nodes: nodeStrategy,
  leases: leaseStrategy,
  events: eventStrategy,
  rolebindings: bindingStrategy,
  clusterrolebindings: bindingStrategy,
};

/** The rules of a kind. */
export function strategyOf(type: ResourceType): Strategy {
  return strategies[type.storedIn] ?? {};
}
