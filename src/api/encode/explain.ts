/** Explanations and traces in the words of `dpu/agent/v1/explain.proto`. Pure. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ChainLookAnswer,
  DirectionCounters,
  ObjectAccount,
  TraceAnswer,
  TraceAnswerHop,
  TraceAnswerPort,
} from '../../agent/api-view.js';
import { rungTitles, type Explanation, type Ladder, type LadderVerdict, type Rung } from '../../attach/ladder.js';
import {
  Ladder_Verdict,
  Rung_State,
  TraceResponse_Fate,
  type LadderSchema,
  type LookAtChainResponseSchema,
  type ObjectAccountSchema,
  type PodExplanationSchema,
  type RungSchema,
  type TraceHopSchema,
  type TracePortSchema,
  type TraceResponseSchema,
} from '../../gen/proto/dpu/agent/v1/explain_pb.js';
import type { CountersSchema } from '../../gen/proto/dpu/agent/v1/stats_pb.js';
import { encodeCondition, encodeFinding, encodeRef, optional, optionalTimestamp, timestamp } from './common.js';
import { encodeJournalEntry } from './journal.js';

const verdicts: Readonly<Record<LadderVerdict, Ladder_Verdict>> = {
  ready: Ladder_Verdict.READY,
  waiting: Ladder_Verdict.WAITING,
  failed: Ladder_Verdict.FAILED,
  nothing: Ladder_Verdict.NOTHING,
  unknown: Ladder_Verdict.UNKNOWN,
};

const rungStates: Readonly<Record<Rung['state'], Rung_State>> = {
  ok: Rung_State.OK,
  broken: Rung_State.BROKEN,
  unknown: Rung_State.UNKNOWN,
  skipped: Rung_State.SKIPPED,
  advisory: Rung_State.ADVISORY,
};

const fates: Readonly<Record<TraceAnswer['fate'], TraceResponse_Fate>> = {
  delivered: TraceResponse_Fate.DELIVERED,
  partly: TraceResponse_Fate.PARTLY,
  dies: TraceResponse_Fate.DIES,
};

function encodeRung({ name, state, seen, values, wallMs, when, diagnosis }: Rung): MessageInitShape<typeof RungSchema> {
  return {
    name,
    title: rungTitles[name],
    state: rungStates[state],
    seen,
    values: { ...values },
    ...optionalTimestamp('at', wallMs),
    isSince: when === 'since',
    ...(diagnosis === undefined ? {} : { diagnosis: { ...diagnosis, reason: diagnosis.reason ?? '' } }),
  };
}

function encodeLadder({ nadKey, verdict, rungs, notes }: Ladder): MessageInitShape<typeof LadderSchema> {
  return { network: nadKey ?? '', verdict: verdicts[verdict], rungs: rungs.map(encodeRung), notes: [...notes] };
}

export function encodeExplanation(explanation: Explanation): MessageInitShape<typeof PodExplanationSchema> {
  const { namespace, name, uid, nodeName, isOk, ladders, notes } = explanation;
  return {
    namespace,
    name,
    ...optional('uid', uid),
    ...optional('nodeName', nodeName),
    isOk,
    ladders: ladders.map(encodeLadder),
    notes: [...notes],
  };
}

export function encodeAccount(account: ObjectAccount): MessageInitShape<typeof ObjectAccountSchema> {
  const { object, conditions, findings, journal, command, notes, isReady, rungs = [] } = account;
  return {
    object: encodeRef(object),
    conditions: conditions.map(encodeCondition),
    findings: findings.map(encodeFinding),
    journal: journal.map(encodeJournalEntry),
    ...optional('command', command),
    notes: [...notes],
    isReady,
    rungs: rungs.map(encodeRung),
  };
}

function encodeCounters({ packets, bytes, drops, errors }: DirectionCounters): MessageInitShape<typeof CountersSchema> {
  return {
    ...optional('packets', packets),
    ...optional('bytes', bytes),
    ...optional('drops', drops),
    ...optional('errors', errors),
  };
}

function encodePort(port: TraceAnswerPort): MessageInitShape<typeof TracePortSchema> {
  const { bridge, ofport, name, words, problem, service, entersBridge } = port;
  return {
    bridge,
    ofport,
    ...optional('name', name),
    ...optional('words', words),
    ...optional('problem', problem),
    ...optional('service', service),
    ...optional('entersBridge', entersBridge),
  };
}

function encodeHop(hop: TraceAnswerHop): MessageInitShape<typeof TraceHopSchema> {
  const { bridge, switch: name, enters, service, steps, exits, opaque, death } = hop;
  return {
    bridge,
    ...optional('switch', name),
    ...optional('enters', enters === undefined ? undefined : encodePort(enters)),
    ...optional('service', service),
    steps: [...steps],
    exits: exits.map(encodePort),
    opaque: [...opaque],
    ...optional('death', death),
  };
}

export function encodeLook(look: ChainLookAnswer): MessageInitShape<typeof LookAtChainResponseSchema> {
  const { wallMs, ports, legs, stations, problems } = look;
  return {
    observedAt: timestamp(wallMs),
    ports: [...ports].map(([key, { received, sent }]) => {
      const leg = legs.get(key);
      return {
        key,
        received: encodeCounters(received),
        sent: encodeCounters(sent),
        ...optional('legReceived', leg === undefined ? undefined : encodeCounters(leg.received)),
        ...optional('legSent', leg === undefined ? undefined : encodeCounters(leg.sent)),
      };
    }),
    switches: [...stations].map(([index, stationCount]) => ({ index, stationCount })),
    problems: [...problems],
  };
}

export function encodeTrace({ fate, hops, text }: TraceAnswer): MessageInitShape<typeof TraceResponseSchema> {
  return { fate: fates[fate], hops: hops.map(encodeHop), text };
}
