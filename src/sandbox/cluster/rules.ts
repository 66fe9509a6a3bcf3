/**
 * The rights of users, set from inside the process: a list of rules for one user, or roles and bindings from a manifest.
 * Both end up as ordinary RBAC objects in the cluster, where the authorizer reads them.
 */

import type { DirectAccess } from './direct-access.js';
import type { JsonObject } from './json.js';

/** A rule as roles hold it. `resources` name subresources too: `pods/status`. */
export interface AccessRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export class Rules {
  readonly #direct: DirectAccess;

  constructor(direct: DirectAccess) {
    this.#direct = direct;
  }

  /** Gives the user these rules, cluster-wide or in one namespace, in place of those that were granted there before. */
  grant(user: string, rules: readonly AccessRule[], namespace?: string): void {
    const name = grantName(user);
    const isCluster = namespace === undefined;
    const metadata = isCluster ? { name } : { name, namespace };
    const roleKind = isCluster ? 'ClusterRole' : 'Role';
    this.revoke(user, namespace);
    this.#direct.create(isCluster ? 'clusterroles' : 'roles', { metadata, rules: rules.map(ruleJson) });
    this.#direct.create(isCluster ? 'clusterrolebindings' : 'rolebindings', {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: roleKind, name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    });
  }

  /** Takes back what `grant` gave. */
  revoke(user: string, namespace?: string): void {
    const name = grantName(user);
    const places = namespace === undefined ? ['clusterrolebindings', 'clusterroles'] : ['rolebindings', 'roles'];
    const ref = namespace === undefined ? { name } : { name, namespace };
    for (const place of places) if (this.#direct.find(place, ref) !== undefined) this.#direct.delete(place, ref);
  }

  /** Roles, bindings and whatever else a manifest holds. Returns the kinds that this server does not have. */
  load(manifest: string): readonly string[] {
    return this.#direct.load(manifest);
  }
}

function grantName(user: string): string {
  return `granted:${user.replaceAll(/[/%]/g, '_')}`;
}

function ruleJson(rule: AccessRule): JsonObject {
  const { resourceNames } = rule;
  return {
    apiGroups: [...rule.apiGroups],
    resources: [...rule.resources],
    verbs: [...rule.verbs],
    ...(resourceNames === undefined ? {} : { resourceNames: [...resourceNames] }),
  };
}
