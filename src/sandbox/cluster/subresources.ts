/**
 * The subresources that are created: `pods/binding` (a scheduler names the node) and `serviceaccounts/token`. The
 * subresource `status` is an ordinary write and not here.
 */

import type { Reply } from './exchange.js';
import { cloneJson, ensureObject, objectAt, textAt, valueAt } from './json.js';
import type { JsonObject } from './json.js';
import { timeText } from './object-meta.js';
import { checkPreconditions } from './registry.js';
import type { Registry } from './registry.js';
import { typeByKind } from './resource-types.js';
import { badRequest, conflict, invalid, methodNotAllowed, required, wrong } from './status.js';
import type { Target } from './target.js';
import type { Users } from './users.js';

const tokenRequest = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
/** How long a token is good, seconds, and the least that may be asked for (authentication/validation). */
const secondsDefault = 3600;
const secondsMin = 600;

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

  /** A token for the account: good until its time is over, the account is gone, or the object that it is bound to is. */
  #token(target: Target, body: JsonObject): Reply {
    const account = this.#registry.stored(target);
    const asked = valueAt(body, 'spec', 'expirationSeconds');
    const seconds = typeof asked === 'number' ? asked : secondsDefault;
    if (seconds < secondsMin) {
      const field = 'spec.expirationSeconds';
      throw invalid(tokenRequest, '', [wrong(field, seconds, 'may not specify a duration less than 10 minutes')]);
    }
    const bound = this.#boundObject(target, body);
    const endMs = this.#nowMs() + seconds * 1000;
    const isGood = (): boolean =>
      this.#nowMs() < endMs && this.#isThere(target, account) && (bound === undefined || this.#isThere(...bound));
    const token = this.#users.newBoundToken(`system:serviceaccount:${target.namespace ?? ''}:${target.name}`, isGood);
    const answer: JsonObject = {
      kind: tokenRequest.kind,
      apiVersion: `${tokenRequest.group}/v1`,
      metadata: { name: target.name, namespace: target.namespace ?? '', creationTimestamp: this.#registry.timeText() },
      spec: {
        audiences: ['https://kubernetes.default.svc'],
        expirationSeconds: seconds,
        boundObjectRef: valueAt(body, 'spec', 'boundObjectRef') ?? null,
      },
      status: { token, expirationTimestamp: timeText(endMs) },
    };
    return { status: 201, body: answer };
  }

  /** The Pod or Secret of the account's namespace without which the token is good for nothing. */
  #boundObject(target: Target, body: JsonObject): readonly [Target, JsonObject] | undefined {
    const ref = objectAt(body, 'spec', 'boundObjectRef');
    if (ref === undefined) return undefined;
    const kind = textAt(ref, 'kind');
    const type = kind === 'Pod' || kind === 'Secret' ? typeByKind('v1', kind) : undefined;
    if (type === undefined) throw badRequest(`cannot bind token for serviceaccount to object of type ${kind}`);
    const place = { type, namespace: target.namespace, name: textAt(ref, 'name'), subresource: '' };
    const stored = this.#registry.stored(place);
    checkPreconditions(type, stored, textAt(ref, 'uid'), '');
    return [place, stored];
  }

  /** The very object is still there, and not merely one of its name. */
  #isThere(target: Target, object: JsonObject): boolean {
    const stored = this.#registry.find(target);
    return textAt(stored, 'metadata', 'uid') === textAt(object, 'metadata', 'uid');
  }
}
