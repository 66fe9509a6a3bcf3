/**
 * ValidatingAdmissionPolicies of a manifest, evaluated by a CEL implementation as an API server would: rules say which
 * requests are looked at, variables are evaluated when they are asked for, and an error refuses (failurePolicy Fail). Only as
 * much of it as the project's policies use; anything else in them is an error.
 */

import { celEnv, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { parseAllDocuments } from 'yaml';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonMap = Readonly<Record<string, Json>>;

export interface Review {
  readonly operation: 'CREATE' | 'UPDATE';
  readonly group: string;
  readonly resource: string;
  readonly subResource: string;
  readonly namespace: string;
  readonly userInfo: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly object: JsonMap;
  readonly oldObject: JsonMap | null;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
}

interface Expression {
  readonly name: string;
  readonly expression: string;
}

interface Policy {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy: string;
    readonly matchConstraints: {
      readonly namespaceSelector?: { readonly matchExpressions: readonly [{ readonly values: readonly string[] }] };
      readonly resourceRules: readonly Rule[];
    };
    readonly variables: readonly Expression[];
    readonly validations: readonly { readonly expression: string; readonly message: string }[];
  };
}

const known = new Set(['failurePolicy', 'matchConstraints', 'variables', 'validations']);

export function policiesIn(text: string): readonly Policy[] {
  const policies = parseAllDocuments(text)
    .map((document) => document.toJS() as Policy)
    .filter(({ kind }) => kind === 'ValidatingAdmissionPolicy');
  for (const { spec } of policies) {
    const odd = Object.keys(spec).filter((key) => !known.has(key));
    if (odd.length > 0 || spec.failurePolicy !== 'Fail') throw new Error(`not evaluated here: ${odd.join(', ')}`);
  }
  return policies;
}

function isLookedAt({ spec }: Policy, review: Review): boolean {
  const { namespaceSelector, resourceRules } = spec.matchConstraints;
  const names = namespaceSelector?.matchExpressions[0].values;
  if (names !== undefined && !names.includes(review.namespace)) return false;
  const { group, operation, resource, subResource } = review;
  const wanted = subResource === '' ? [resource] : [`${resource}/${subResource}`, `${resource}/*`];
  return resourceRules.some(
    (rule) =>
      rule.apiGroups.includes(group) &&
      rule.operations.includes(operation) &&
      rule.resources.some((name) => wanted.includes(name)),
  );
}

const environment = celEnv({ funcs: strings });

function evaluate(expression: string, bindings: Record<string, CelInput>): unknown {
  const value = plan(environment, parse(expression))(bindings);
  if (value instanceof Error) throw value;
  return value;
}

/** What the policy says against the request: messages of its validations; empty lets it pass. */
function refusals(policy: Policy, review: Review): readonly string[] {
  if (!isLookedAt(policy, review)) return [];
  const { object, oldObject, ...rest } = review;
  const request = { ...rest, userInfo: { ...rest.userInfo } };
  const variables: Record<string, unknown> = {};
  const bindings = { object, oldObject, request, variables } as unknown as Record<string, CelInput>;
  for (const { name, expression } of policy.spec.variables) variables[name] = evaluate(expression, bindings);
  return policy.spec.validations
    .filter(({ expression }) => evaluate(expression, bindings) !== true)
    .map(({ message }) => message);
}

/** What all policies say against a request. */
export function judge(policies: readonly Policy[], review: Review): readonly string[] {
  return policies.flatMap((policy) => refusals(policy, review));
}
