/**
 * IntentService: requests of owners to the desk, and its answers back. Checks what is about the request itself (owner,
 * generation, key, size); what is about the bundle is the desk's business. Who may write under which owner is asked here, for a
 * dry run too: it tells what others want.
 */

import type { IntentAnswer, IntentConflict, IntentDesk, PlainBundle } from '../../agent/intent-desk-types.js';
import {
  type ApplyRequest,
  type Bundle,
  BundleSchema,
  type DeleteRequest,
  IntentService,
} from '../../gen/proto/dpu/agent/v1/intent_pb.js';
import { AgentError } from '../../lib/errors.js';
import { messageToWords } from '../../words/message-to-words.js';
import { requireOwner } from '../caller.js';
import { encodeIntent, encodePreview, encodeStatus } from '../encode/intent.js';
import type { CallContext, ServiceEntry } from '../grpc/service.js';
import { RequestError, type Violation } from '../request-error.js';
import { listIntents } from './list-intents.js';
import { watchIntent } from './watch-intent.js';

// As agent.owner of the configuration.
const ownerPattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const keyPattern = /^[ -~]{0,128}$/;

/** Objects of one bundle: what one DPU can have, many times over. */
const objectCountMax = 8_192;

/** Violations that are told: error details travel in a trailer, which clients bound to a few kilobytes. */
const violationCountMax = 32;
const descriptionLengthMax = 300;

const violation = (field: string, description: string): Violation => ({ field, description, reason: 'API_INVALID' });

function checkOwner(owner: string): void {
  if (ownerPattern.test(owner)) return;
  const description = 'allowed: up to 63 lower-case letters, digits, "." and "-", a letter or digit at both ends';
  throw new RequestError('API_INVALID', 'the owner is no valid name', [violation('owner', description)]);
}

function checkRequest({ generation, idempotencyKey, bundle }: ApplyRequest): Bundle {
  const violations: Violation[] = [];
  if (generation === 0n) violations.push(violation('generation', 'missing; allowed: 1 and above'));
  if (!keyPattern.test(idempotencyKey)) {
    violations.push(violation('idempotency_key', 'allowed: up to 128 printable ASCII characters'));
  }
  if (bundle === undefined) {
    violations.push(violation('bundle', 'missing; a bundle without objects is one that was given and is empty'));
  }
  if (bundle !== undefined && violations.length === 0) return bundle;
  throw new RequestError('API_INVALID', `the request is not valid: ${summaryOf(violations)}`, violations);
}

function checkSize(bundle: Bundle): void {
  const count =
    bundle.bridges.reduce((sum, { ports }) => sum + 1 + ports.length, 0) +
    bundle.ports.length +
    bundle.chains.reduce((sum, { switches }) => switches.reduce((n, { ports }) => n + 1 + ports.length, sum + 1), 0) +
    bundle.attachments.length;
  if (count <= objectCountMax) return;
  throw new AgentError('INTENT_LIMIT', `the bundle has ${count} objects; one has at most ${objectCountMax}`, {
    remedy: 'Split the bundle among several owners.',
  });
}

function summaryOf(violations: readonly Violation[]): string {
  const [first] = violations;
  if (first === undefined) return '';
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  return `${first.field}: ${first.description}${more}`;
}

function refusal(code: 'INTENT_INVALID' | 'INTENT_CONFLICT', words: string, violations: readonly Violation[]): Error {
  const told = violations.slice(0, violationCountMax).map((entry) => {
    const { description } = entry;
    const isLong = description.length > descriptionLengthMax;
    return isLong ? { ...entry, description: `${description.slice(0, descriptionLengthMax)}…` } : entry;
  });
  return new RequestError(code, `${words}: ${summaryOf(violations)}`, told, {
    facts: { violations: violations.length },
    remedy:
      code === 'INTENT_INVALID'
        ? 'Correct the fields that are named; nothing was changed.'
        : 'Leave the objects to the one who has them, or take them out of the other bundle first; nothing was changed.',
  });
}

function conflictViolation({ field, message, holder }: IntentConflict): Violation {
  return {
    field,
    description: message.includes(holder) ? message : `${message} (${holder})`,
    reason: 'INTENT_CONFLICT',
  };
}

/** The bundle in the configuration's words. @throws RequestError INTENT_INVALID for enums of a newer version */
function plainBundle(bundle: Bundle): PlainBundle {
  const { plain, problems } = messageToWords(BundleSchema, bundle);
  if (problems.length > 0) {
    const violations = problems.map(({ field, message }) => ({
      field,
      description: message,
      reason: 'INTENT_INVALID',
    }));
    throw refusal('INTENT_INVALID', 'the bundle is not valid', violations);
  }
  const listOf = (key: string): readonly unknown[] => (Array.isArray(plain[key]) ? (plain[key] as unknown[]) : []);
  return {
    bridges: listOf('bridges'),
    ports: listOf('ports'),
    chains: listOf('chains'),
    attachments: listOf('attachments'),
  };
}

/** @throws RequestError for an answer that is a refusal */
function acceptedOf(answer: IntentAnswer): Extract<IntentAnswer, { kind: 'accepted' }> {
  switch (answer.kind) {
    case 'accepted':
      return answer;
    case 'invalid':
      throw refusal(
        'INTENT_INVALID',
        'the bundle is not valid',
        answer.violations.map(({ field, message, remedy }) => ({
          field,
          description: remedy === undefined ? message : `${message} ${remedy}`,
          reason: 'INTENT_INVALID',
        })),
      );
    case 'conflict':
      throw refusal('INTENT_CONFLICT', 'another wants the same', answer.conflicts.map(conflictViolation));
  }
}

const noBundle = (owner: string): AgentError =>
  new AgentError('NOT_FOUND', `owner ${owner} has no bundle`, {
    facts: { owner },
    remedy: 'dpuctl get intents lists the owners that have one.',
  });

async function remove(desk: IntentDesk, request: DeleteRequest, { caller, signal }: CallContext): Promise<boolean> {
  const { owner, generation, allowMissing } = request;
  checkOwner(owner);
  requireOwner(caller, owner);
  const wasPresent = await desk.delete(owner, generation === 0n ? undefined : generation, caller.identity, signal);
  if (!wasPresent && !allowMissing) throw noBundle(owner);
  return wasPresent;
}

/** The service over a desk. */
export function intentService(desk: IntentDesk): ServiceEntry<typeof IntentService> {
  return {
    service: IntentService,
    roles: { apply: 'controller', delete: 'controller' },
    handlers: {
      async apply(request, { caller, signal }) {
        const { owner, generation, idempotencyKey, isDryRun } = request;
        checkOwner(owner);
        requireOwner(caller, owner);
        const bundle = checkRequest(request);
        checkSize(bundle);
        const actor = caller.identity;
        const plain = plainBundle(bundle);
        const answer = acceptedOf(
          await desk.apply({ owner, generation, idempotencyKey, bundle: plain, isDryRun, actor, signal }),
        );
        const plan = answer.preview === undefined ? {} : { plan: encodePreview(answer.preview) };
        return { status: encodeStatus(answer.status), isRepeated: answer.isRepeated, ...plan };
      },
      get({ owner }) {
        checkOwner(owner);
        const intent = desk.get(owner);
        if (intent === undefined) throw noBundle(owner);
        return { intent: encodeIntent(intent, desk.status(owner)) };
      },
      list: (request) => listIntents(desk, request),
      async delete(request, context) {
        return { wasPresent: await remove(desk, request, context) };
      },
      watchStatus({ owner, isController }, { caller, signal }) {
        checkOwner(owner);
        if (isController) requireOwner(caller, owner);
        return watchIntent(desk, owner, isController, signal);
      },
    },
  };
}
