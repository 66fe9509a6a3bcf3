/**
 * The subresources that are created: `pods/binding` (a scheduler names the node) and `serviceaccounts/token`. The
 * subresource `status` is an ordinary write and not here.
 */

import type { Reply } from './exchange.js';
import { cloneJson, ensureObject, textAt, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import { timeText } from './object-meta.js';
import { checkPreconditions } from './registry.js';
import type { Registry } from './registry.js';
import { conflict, invalid, methodNotAllowed, required } from './status.js';
import type { Target } from './target.js';
import type { Users } from './users.js';

export class Subresources {
  readonly #registry: Registry;
  readonly #users: Users;
  readonly #nowMs: () => number;

  constructor(registry: Registry, users: Users, nowMs: () => number) {
    this.#registry = registry;
    this.#users = users;
    this.#nowMs = nowMs;
  }

  /** Throws StatusError. */
  create(target: Target, body: JsonObject): Reply {
    if (target.subresource === 'binding') return this.#bind(target, body);
    if (target.subresource === 'token') return this.#token(target, body);
    throw methodNotAllowed('create');
  }

  #bind(target: Target, body: JsonObject): Reply {
    const stored = this.#registry.stored(target);
    const node = textAt(body, 'target', 'name');
    if (node === '') throw invalid({ group: '', kind: 'Binding' }, target.name, [required('target.name')]);
    checkPreconditions(target.type, stored, textAt(body, 'metadata', 'uid'), '');
    const present = textAt(stored, 'spec', 'nodeName');
    if (present !== '')
      throw conflict(target.type, target.name, `pod ${target.name} is already assigned to node "${present}"`);
    const next = cloneJson(stored);
    ensureObject(next, 'spec')['nodeName'] = node;
    const time = this.#registry.timeText();
    const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: time };
    ensureObject(next, 'status')['conditions'] = [scheduled];
    this.#registry.putStored(target.type, next);
    return { status: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
  }

  /** A token for the account. It does not expire by itself; its time is told as asked. */
  #token(target: Target, body: JsonObject): Reply {
    this.#registry.stored(target);
    const asked = valueAt(body, 'spec', 'expirationSeconds');
    const seconds = typeof asked === 'number' ? asked : 3600;
    const token = this.#users.newToken(`system:serviceaccount:${target.namespace ?? ''}:${target.name}`);
    const answer: JsonObject = {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: target.name, namespace: target.namespace ?? '', creationTimestamp: this.#registry.timeText() },
      spec: { audiences: ['https://kubernetes.default.svc'], expirationSeconds: seconds, boundObjectRef: null },
      status: { token, expirationTimestamp: timeText(this.#nowMs() + seconds * 1000) },
    };
    return { status: 201, body: answer };
  }
}
