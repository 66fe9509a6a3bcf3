/**
 * `kubectl auth can-i`: SelfSubjectAccessReview and SelfSubjectRulesReview (authorization.k8s.io/v1). They are answered,
 * not stored.
 */

import type { Authorizer } from './authorizer.js';
import type { Reply } from './exchange.js';
import { isObject, listAt, objectAt, textAt } from './json.js';
import type { JsonObject } from './json.js';
import type { ResourceRequest } from './request-info.js';
import { methodNotAllowed, noSuchPath } from './status.js';
import { mastersGroup } from './users.js';
import type { UserInfo } from './users.js';

/** The API group of the reviews. */
export const reviewGroup = 'authorization.k8s.io';

/** Answers a request of the group. Throws StatusError. */
export function review(info: ResourceRequest, body: JsonObject, user: UserInfo, authorizer: Authorizer): Reply {
  if (info.verb !== 'create') throw methodNotAllowed(info.verb);
  if (info.plural === 'selfsubjectaccessreviews') return reviewAccess(body, user, authorizer);
  if (info.plural === 'selfsubjectrulesreviews') return reviewRules(body, user, authorizer);
  throw noSuchPath();
}

function reviewAccess(body: JsonObject, user: UserInfo, authorizer: Authorizer): Reply {
  const path = objectAt(body, 'spec', 'nonResourceAttributes');
  const asked = objectAt(body, 'spec', 'resourceAttributes');
  const isAllowed =
    path === undefined
      ? authorizer.may(user, {
          verb: textAt(asked, 'verb'),
          group: textAt(asked, 'group'),
          plural: textAt(asked, 'resource'),
          subresource: textAt(asked, 'subresource'),
          namespace: textAt(asked, 'namespace') || undefined,
          name: textAt(asked, 'name'),
        })
      : authorizer.mayPath(user, textAt(path, 'verb'), textAt(path, 'path'));
  const status = { allowed: isAllowed, ...(isAllowed ? { reason: 'RBAC: allowed by the stored roles' } : {}) };
  return { status: 201, body: answered(body, 'SelfSubjectAccessReview', status) };
}

function reviewRules(body: JsonObject, user: UserInfo, authorizer: Authorizer): Reply {
  const everything: JsonObject = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  const isMaster = user.groups.includes(mastersGroup);
  const rules = isMaster ? [everything] : authorizer.rulesFor(user, textAt(body, 'spec', 'namespace') || undefined);
  const status: JsonObject = {
    resourceRules: rules.filter((rule) => listAt(rule, 'resources').length > 0),
    nonResourceRules: rules.filter((rule) => listAt(rule, 'nonResourceURLs').length > 0),
    incomplete: false,
  };
  return { status: 201, body: answered(body, 'SelfSubjectRulesReview', status) };
}

function answered(body: JsonObject, kind: string, status: JsonObject): JsonObject {
  const spec = body['spec'];
  return {
    kind,
    apiVersion: `${reviewGroup}/v1`,
    metadata: { creationTimestamp: null },
    spec: isObject(spec) ? spec : {},
    status,
  };
}
