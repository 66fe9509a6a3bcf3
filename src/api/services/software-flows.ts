/** Reads a request for software flows: what may be asked, and in which bounds. Pure. */

import { durationMs } from '@bufbuild/protobuf/wkt';
import type { SoftwareFlowsQuestion } from '../../agent/api-view.js';
import type { ListSoftwareFlowsRequest } from '../../gen/proto/dpu/agent/v1/offload_pb.js';
import { similarNames } from '../../lib/similar.js';
import { safeText } from '../../lib/text.js';
import { flowReasons, isApart } from '../../offload/flow-reasons.js';
import { RequestError, type Violation } from '../request-error.js';

/** As many as the largest flows that a summary of a dump keeps (`flow-summary.ts`). */
export const softwareFlowsMax = 500;
const countMaxDefault = 20;
/** Every flow is compared with each of them; a chain has tens. */
const portsMax = 256;
/** Names of devices have 15 characters, those of Open vSwitch's ports as many as the database takes. */
const nameLengthMax = 255;
/** An older dump says nothing of now, ms. */
const ageMsMax = 86_400_000;

/** Reasons of flows that are listed: control traffic and warm-up are counted and not kept. */
export const listedReasons: readonly string[] = flowReasons.filter((reason) => !isApart(reason));

const violation = (field: string, description: string): Violation => ({ field, description, reason: 'API_INVALID' });

function portFaults(ports: readonly string[]): readonly Violation[] {
  if (ports.length > portsMax) return [violation('ports', `at most ${portsMax} names`)];
  const at = ports.findIndex((name) => name === '' || name.length > nameLengthMax);
  return at < 0 ? [] : [violation(`ports[${at}]`, `a name of 1 to ${nameLengthMax} characters`)];
}

function reasonFaults(reasons: readonly string[]): readonly Violation[] {
  if (reasons.length > flowReasons.length) return [violation('reasons', `at most ${flowReasons.length}`)];
  const at = reasons.findIndex((reason) => !listedReasons.includes(reason));
  const wrong = reasons[at];
  if (wrong === undefined) return [];
  const why = flowReasons.some((reason) => reason === wrong)
    ? `flows of ${wrong} are counted and not listed`
    : `"${safeText(wrong, 64)}" is no reason`;
  const [near] = similarNames(wrong, listedReasons, 1);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return [violation(`reasons[${at}]`, `${why}${hint} allowed: ${listedReasons.join(', ')}`)];
}

function ageOf({ ageMax }: ListSoftwareFlowsRequest): number | undefined {
  return ageMax === undefined ? Number.POSITIVE_INFINITY : durationInRange(durationMs(ageMax));
}

const durationInRange = (ms: number): number | undefined => (ms >= 0 && ms <= ageMsMax ? ms : undefined);

/**
 * What is asked.
 * @throws RequestError API_INVALID with every field that is wrong
 */
export function readSoftwareFlowsRequest(request: ListSoftwareFlowsRequest): SoftwareFlowsQuestion {
  const { ports, reasons, countMax, withRules } = request;
  const ageMs = ageOf(request);
  const faults = [
    ...portFaults(ports),
    ...reasonFaults(reasons),
    ...(countMax <= softwareFlowsMax
      ? []
      : [violation('count_max', `1 to ${softwareFlowsMax}; 0 means ${countMaxDefault}`)]),
    ...(ageMs === undefined ? [violation('age_max', `0 s to ${ageMsMax / 1_000} s`)] : []),
  ];
  const [first] = faults;
  if (first !== undefined) {
    throw new RequestError('API_INVALID', `${first.field}: ${first.description}`, faults, {
      remedy: 'docs/errors.md lists the reasons of software flows; docs/api.md the bounds.',
    });
  }
  return {
    ports: new Set(ports),
    reasons: new Set(reasons),
    countMax: countMax === 0 ? countMaxDefault : countMax,
    ageMsMax: ageMs ?? Number.POSITIVE_INFINITY,
    withRules,
  };
}
