/** What the desk knows of bundles, in the words of `dpu/agent/v1/intent.proto`. Pure. */

import { create, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type {
  IntentPhase,
  IntentPreview,
  IntentStatus,
  PlainBundle,
  StoredIntent,
} from '../../agent/intent-desk-types.js';
import {
  type Bundle,
  BundleSchema,
  type IntentPlanSchema,
  type IntentSchema,
  IntentStatus_Phase,
  IntentStatusSchema,
} from '../../gen/proto/dpu/agent/v1/intent_pb.js';
import { wordsToMessage } from '../../words/words-to-message.js';
import { encodeCondition, encodeFinding, encodeRef, optional, timestamp } from './common.js';

const phases: Readonly<Record<IntentPhase, IntentStatus_Phase>> = {
  accepted: IntentStatus_Phase.ACCEPTED,
  applied: IntentStatus_Phase.APPLIED,
  ready: IntentStatus_Phase.READY,
  degraded: IntentStatus_Phase.DEGRADED,
};

/** Statuses and bundles are immutable, and told to many. */
const statuses = new WeakMap<IntentStatus, MessageShape<typeof IntentStatusSchema>>();
const bundles = new WeakMap<PlainBundle, Bundle>();

export function encodeStatus(status: IntentStatus): MessageShape<typeof IntentStatusSchema> {
  const known = statuses.get(status);
  if (known !== undefined) return known;
  const message = create(IntentStatusSchema, statusInit(status));
  statuses.set(status, message);
  return message;
}

function bundleOf(bundle: PlainBundle): Bundle {
  const known = bundles.get(bundle);
  if (known !== undefined) return known;
  const { message } = wordsToMessage(BundleSchema, bundle);
  bundles.set(bundle, message);
  return message;
}

function statusInit(status: IntentStatus): MessageInitShape<typeof IntentStatusSchema> {
  const { owner, generation, phase, conditions, findings, wallMs } = status;
  return {
    owner,
    generation,
    phase: phases[phase],
    conditions: conditions.map(encodeCondition),
    findings: findings.map(encodeFinding),
    observedAt: timestamp(wallMs),
  };
}

export function encodePreview(preview: IntentPreview): MessageInitShape<typeof IntentPlanSchema> {
  return {
    changes: preview.changes.map(({ object, summary, differences, loss }) => ({
      object: encodeRef(object),
      summary,
      differences: [...differences],
      ...optional('loss', loss),
    })),
    flowChanges: [...preview.flowChanges],
    findings: preview.findings.map(encodeFinding),
  };
}

/** The desk has checked the bundle before it stored it, so nothing of it is lost on the way into the message. */
export function encodeIntent(
  intent: StoredIntent,
  status: IntentStatus | undefined,
): MessageInitShape<typeof IntentSchema> {
  const { owner, generation, acceptedWallMs, actor, bundle } = intent;
  return {
    owner,
    generation,
    acceptedAt: timestamp(acceptedWallMs),
    actor,
    bundle: bundleOf(bundle),
    ...optional('status', status === undefined ? undefined : encodeStatus(status)),
  };
}
