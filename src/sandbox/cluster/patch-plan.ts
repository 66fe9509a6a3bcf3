/**
 * From the content type and body of a patch to the function that makes the next object: JSON patch, merge patch,
 * strategic merge patch, or server-side apply. Used by the patch verb. Pure.
 */

import { isObject, textAt } from './json.js';
import type { Json, JsonObject } from './json.js';
import { applyJsonPatch } from './json-patch.js';
import { applyMergePatch } from './merge-patch.js';
import type { PatchPlan } from './registry.js';
import type { ResourceType } from './resource-type.js';
import { apiVersionOf } from './resource-type.js';
import { planApply } from './server-side-apply.js';
import { badRequest, unsupportedMediaType } from './status.js';
import { applyStrategicPatch } from './strategic-patch.js';

export const jsonPatchType = 'application/json-patch+json';
export const mergePatchType = 'application/merge-patch+json';
export const strategicPatchType = 'application/strategic-merge-patch+json';
export const applyPatchType = 'application/apply-patch+yaml';

export interface PatchRequest {
  readonly type: ResourceType;
  readonly subresource: string;
  readonly contentType: string;
  readonly body: Json;
  readonly manager: string;
  /** Server-side apply: take fields from other managers. */
  readonly isForced: boolean;
}

/** The content types that a kind's objects can be patched with. */
export function patchTypesOf(type: ResourceType): readonly string[] {
  const common = [jsonPatchType, mergePatchType];
  return type.isCustom ? [...common, applyPatchType] : [...common, strategicPatchType, applyPatchType];
}

/** Throws StatusError 400 or 415. */
export function planPatch(request: PatchRequest): PatchPlan {
  const { type, body, contentType } = request;
  const accepted = patchTypesOf(type);
  if (!accepted.includes(contentType)) throw unsupportedMediaType(accepted);
  switch (contentType) {
    case jsonPatchType:
      return { next: (current) => applyJsonPatch(current, body), keepsBooks: false };
    case mergePatchType:
      return { next: (current) => applyMergePatch(current, body), keepsBooks: false };
    case strategicPatchType:
      return { next: (current) => applyStrategicPatch(current, body, type.kind), keepsBooks: false };
    default:
      return planApply(appliedObject(type, body), {
        manager: {
          name: request.manager,
          operation: 'Apply',
          apiVersion: apiVersionOf(type),
          subresource: request.subresource,
        },
        kind: type.kind,
        isForced: request.isForced,
      });
  }
}

function appliedObject(type: ResourceType, body: Json): JsonObject {
  if (!isObject(body)) throw badRequest('error decoding YAML: the applied configuration is not an object');
  for (const field of ['apiVersion', 'kind']) {
    if (textAt(body, field) === '')
      throw badRequest(`Object 'Kind' or 'apiVersion' is missing in the applied configuration`);
  }
  if (textAt(body, 'apiVersion') !== apiVersionOf(type) || textAt(body, 'kind') !== type.kind) {
    throw badRequest(`the applied configuration is no ${type.kind} of ${apiVersionOf(type)}`);
  }
  return body;
}
