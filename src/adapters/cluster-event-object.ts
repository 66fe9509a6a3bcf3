/**
 * Kubernetes Events about pods as they go over the wire (core/v1): the object, its name, and the patch that counts a
 * repetition. Used by the event sink. Pure.
 */

import { createHash } from 'node:crypto';
import type { JsonObject } from '../attach/parse-object.js';
import { safeText } from '../lib/text.js';
import type { PodRef } from '../model/pod.js';

/** Who reports: the program and the machine. */
export interface EventReporter {
  readonly component: string;
  /** Host name of the DPU. */
  readonly instance: string;
}

/** What happened to a pod, once or several times. */
export interface EventFacts {
  readonly pod: PodRef;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** As `eventMessage` bounds it. */
  readonly message: string;
  readonly count: number;
  readonly firstWallMs: number;
  readonly lastWallMs: number;
}

/** Names of Kubernetes are at most 253 characters long (RFC 1123); the rest of ours takes 18. */
const podPartLengthMax = 200;
/** events.k8s.io, which shows the same objects, has 1 KiB for it. */
const messageSizeMax = 1024;
// apimachinery's limit of reportingInstance.
const instanceLengthMax = 128;

/** The message within its bound, with nothing in it that a terminal or a log would obey. */
export function eventMessage(text: string): string {
  const bytes = Buffer.from(safeText(text, messageSizeMax));
  if (bytes.length <= messageSizeMax) return bytes.toString();
  // A character that was cut in two decodes as the replacement character.
  return bytes
    .subarray(0, messageSizeMax)
    .toString()
    .replace(/\ufffd+$/, '');
}

/**
 * The name of the event: the same for the same pod, reason and reporter, so that a restarted agent counts on instead of
 * reporting anew.
 */
export function eventName(pod: PodRef, reason: string, reporter: EventReporter): string {
  const identity = JSON.stringify([pod.uid, reason, reporter.component, reporter.instance]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  // Cut in the middle, the name might end where a label may not.
  return `${pod.name.slice(0, podPartLengthMax).replace(/[^a-z0-9]+$/, '')}.${hash}`;
}

/** The Event to create. Without eventTime: with it the server holds it to the rules of events.k8s.io and forbids counting. */
export function eventObject(facts: EventFacts, reporter: EventReporter): JsonObject {
  const { pod } = facts;
  const instance = reporter.instance.slice(0, instanceLengthMax);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName(pod, facts.reason, reporter), namespace: pod.namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, name: pod.name, uid: pod.uid },
    reason: facts.reason,
    message: facts.message,
    type: facts.type,
    count: facts.count,
    firstTimestamp: seconds(facts.firstWallMs),
    lastTimestamp: seconds(facts.lastWallMs),
    source: { component: reporter.component, host: instance },
    // core/v1 calls the reporting controller a component.
    reportingComponent: reporter.component,
    reportingInstance: instance,
  };
}

/**
 * The merge patch (RFC 7396) of a repetition.
 * @param count undefined: how often it happened before is not known, and stays
 */
export function repetition(facts: EventFacts, count: number | undefined): JsonObject {
  return {
    type: facts.type,
    message: facts.message,
    lastTimestamp: seconds(facts.lastWallMs),
    ...(count === undefined ? {} : { count }),
  };
}

/** Kubernetes' Time has whole seconds. */
function seconds(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
