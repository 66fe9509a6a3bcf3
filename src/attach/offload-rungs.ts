/**
 * The last two rungs: are the packets of the network in hardware, and why not. The pod has its network either way, so neither
 * of them ever breaks a ladder; what was not measured is not known, and no failure. Ports and chains have the same two. Pure.
 */

import type { Diagnosis, OffloadLook, Rung, RungLook, RungName, RungState } from './ladder.js';
import { offloadWhyCommand, type OffloadTarget } from './look-commands.js';
import { look, type RungValues } from './rung-look.js';

const places: Readonly<Record<OffloadLook['verdict'], string>> = {
  hardware: 'in hardware',
  partial: 'partly in hardware',
  software: 'in software',
  unknown: 'not known',
};

const notAsked = look('unknown', 'not asked: nobody looks at hardware offload', {}, {});

function valuesOf({ verdict, reason, hardwareShare }: OffloadLook): RungValues {
  return { verdict, reason, 'hardware share': hardwareShare === undefined ? undefined : hardwareShare.toFixed(4) };
}

function stateOf({ verdict, isExpected }: OffloadLook): RungState {
  if (verdict === 'unknown') return 'unknown';
  return verdict === 'hardware' || isExpected ? 'ok' : 'advisory';
}

/** Verdict and share. @param offload undefined: nobody can say */
export function offloadRung(offload: OffloadLook | undefined): RungLook {
  if (offload === undefined) return notAsked;
  return look(stateOf(offload), `${places[offload.verdict]}: ${offload.message}`, valuesOf(offload), {});
}

/** The reason that has most packets, and what can be done. @param offload undefined: nobody can say */
export function whyNotRung(offload: OffloadLook | undefined, target: OffloadTarget): RungLook {
  if (offload === undefined) return notAsked;
  const { verdict, reason, why } = offload;
  if (verdict === 'unknown') {
    const most = why === undefined ? '' : `; of its flows that were seen in software most are ${why.reason}`;
    return look('unknown', `where its packets are was not proven${most}`, { reason: why?.reason }, {});
  }
  if (why === undefined) {
    if (verdict === 'hardware') return look('ok', 'nothing was seen in software', {}, {});
    return look(
      'advisory',
      `${reason}; no flow was seen that tells more`,
      { reason },
      {},
      {
        ...unnamed,
        cause: 'Which flows are in software was not seen.',
        remedy: 'Look at the status of offload: engine, settings, and what is in effect.',
        command: 'dpuctl offload status',
      },
    );
  }
  const values = { reason: why.reason };
  if (verdict === 'hardware') return look('ok', `of the rest most is ${why.reason}`, values, {});
  if (offload.isExpected) return look('ok', `${why.reason}, as expected: ${why.meaning}`, values, {});
  return look(
    'advisory',
    why.reason,
    values,
    {},
    {
      ...unnamed,
      cause: why.meaning,
      remedy: why.remedy,
      command: offloadWhyCommand(target),
    },
  );
}

// Reasons of flows are none of conditions; the rung's values have the code.
const unnamed = { reason: undefined, isWaiting: false } satisfies Partial<Diagnosis>;

/** Both rungs of a port or chain. They have no age: they are as of now, by what was measured last. */
export function offloadRungs(offload: OffloadLook, target: OffloadTarget): readonly Rung[] {
  const rung = (name: RungName, found: RungLook): Rung => ({ name, ...found, age: undefined });
  return [rung('offload', offloadRung(offload)), rung('whyNot', whyNotRung(offload, target))];
}
