/**
 * Role-based access control over the roles and bindings that are stored in the cluster itself, as the RBAC authorizer of
 * Kubernetes evaluates them. Nothing is allowed that no rule allows, but for members of `system:masters` and for what
 * every authenticated user may do (discovery, asking about one's own rights).
 */

import { isObject, listAt, textAt } from './json.js';
import type { JsonObject } from './json.js';
import type { RequestInfo, ResourceRequest } from './request-info.js';
import { forbidden, forbiddenPath } from './status.js';
import type { StatusError } from './status.js';
import type { Store } from './store.js';
import { mastersGroup } from './users.js';
import type { UserInfo } from './users.js';

/** What RBAC looks at. */
export type AccessQuestion = Pick<ResourceRequest, 'verb' | 'group' | 'plural' | 'subresource' | 'namespace' | 'name'>;

const openPaths = [/^\/(?:healthz|livez|readyz|version)(?:\/|$)/, /^\/(?:api|apis|openapi)(?:\/|$)/, /^\/$/];

/** What everybody may ask without being known. */
export function isPublicPath(path: string): boolean {
  return openPaths[0]?.test(path) === true;
}

export class Authorizer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws StatusError 403. */
  check(user: UserInfo, info: RequestInfo): void {
    if (info.kind === 'path') {
      if (!this.mayPath(user, info.verb, info.path)) throw forbiddenPath(user.name, info.verb, info.path);
      return;
    }
    if (!this.may(user, info)) throw refusal(user, info);
  }

  may(user: UserInfo, question: AccessQuestion): boolean {
    if (user.groups.includes(mastersGroup)) return true;
    if (question.group === 'authorization.k8s.io' && question.plural.startsWith('selfsubject')) return true;
    return this.rulesFor(user, question.namespace).some((rule) => allows(rule, question));
  }

  mayPath(user: UserInfo, verb: string, path: string): boolean {
    if (user.groups.includes(mastersGroup)) return true;
    if (verb === 'get' && openPaths.some((pattern) => pattern.test(path))) return true;
    return this.rulesFor(user, undefined).some(
      (rule) => has(rule, 'verbs', verb) && listAt(rule, 'nonResourceURLs').some((url) => coversPath(url, path)),
    );
  }

  /** All rules that hold for the user, cluster-wide and in the namespace. */
  rulesFor(user: UserInfo, namespace: string | undefined): JsonObject[] {
    const bindings = this.#bound('clusterrolebindings', undefined, user);
    if (namespace !== undefined) bindings.push(...this.#bound('rolebindings', namespace, user));
    return bindings.flatMap((binding) => this.#rulesOf(binding));
  }

  #bound(place: string, namespace: string | undefined, user: UserInfo): JsonObject[] {
    return this.#store
      .list(place)
      .map(([, binding]) => binding)
      .filter((binding) => namespace === undefined || textAt(binding, 'metadata', 'namespace') === namespace)
      .filter((binding) =>
        listAt(binding, 'subjects').some((subject) => isObject(subject) && names(subject, user, namespace)),
      );
  }

  #rulesOf(binding: JsonObject): JsonObject[] {
    const name = textAt(binding, 'roleRef', 'name');
    const isCluster = textAt(binding, 'roleRef', 'kind') === 'ClusterRole';
    const role = isCluster
      ? this.#store.get('clusterroles', name)
      : this.#store.get('roles', `${textAt(binding, 'metadata', 'namespace')}/${name}`);
    return listAt(role, 'rules').filter(isObject);
  }
}

function names(subject: JsonObject, user: UserInfo, bindingNamespace: string | undefined): boolean {
  const name = textAt(subject, 'name');
  switch (textAt(subject, 'kind')) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = textAt(subject, 'namespace') || (bindingNamespace ?? '');
      return user.name === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function has(rule: JsonObject, member: string, value: string): boolean {
  const values = listAt(rule, member);
  return values.includes('*') || values.includes(value);
}

function allows(rule: JsonObject, question: AccessQuestion): boolean {
  const { plural, subresource } = question;
  const wanted = subresource === '' ? plural : `${plural}/${subresource}`;
  const resources = listAt(rule, 'resources');
  const hasResource =
    resources.includes('*') ||
    resources.includes(wanted) ||
    (subresource !== '' && resources.includes(`*/${subresource}`));
  const only = listAt(rule, 'resourceNames');
  const hasName = only.length === 0 || (question.name !== '' && only.includes(question.name));
  return has(rule, 'verbs', question.verb) && has(rule, 'apiGroups', question.group) && hasResource && hasName;
}

function coversPath(pattern: unknown, path: string): boolean {
  if (typeof pattern !== 'string') return false;
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function refusal(user: UserInfo, request: ResourceRequest): StatusError {
  const { group, plural, subresource, namespace, name } = request;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const why = `User "${user.name}" cannot ${request.verb} resource "${resource}" in API group "${group}" ${where}`;
  return forbidden({ group, plural, kind: '' }, name, why);
}
