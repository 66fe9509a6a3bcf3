/** The rungs of `dpuctl offload why` about the node: what moves packets, what is configured, what is in effect. Pure. */

import { OffloadStatus_Engine } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { rung, type OffloadLadderInput, type OffloadRung } from './offload-rung.js';
import { engineWords, sentence } from './offload-words.js';

const lookAtStatus = 'See dpuctl offload status.';

export function engineRung({ status: { engine, engineBasis } }: OffloadLadderInput): OffloadRung {
  const word = engineWords[engine] ?? 'unknown';
  const seen = engineBasis.length === 0 ? word : `${word}: ${sentence(engineBasis.join('; '))}`;
  switch (engine) {
    case OffloadStatus_Engine.TC:
    case OffloadStatus_Engine.DPDK:
    case OffloadStatus_Engine.DOCA:
      return rung('engine', 'ok', seen);
    case OffloadStatus_Engine.USERSPACE:
      return rung('engine', 'broken', `${seen}; without DPDK or DOCA it is software only`, {
        remedy: 'Initialise DOCA or DPDK and restart ovs-vswitchd in a maintenance window, or use the kernel datapath.',
      });
    default:
      return rung('engine', 'unknown', seen, { remedy: lookAtStatus });
  }
}

/** What helps, by the engine: with OVS-DOCA a change while it runs breaks its ports (known issue 4242133 of NVIDIA). */
function howToConfigure(engine: OffloadStatus_Engine): string {
  switch (engine) {
    case OffloadStatus_Engine.DOCA:
      return 'Set other_config:hw-offload=true together with a restart of ovs-vswitchd in a maintenance window, not live.';
    case OffloadStatus_Engine.USERSPACE:
      return 'Alone it changes nothing: this engine has no hardware. See the engine first.';
    case OffloadStatus_Engine.TC:
    case OffloadStatus_Engine.DPDK:
      return 'Set other_config:hw-offload=true where offload is wanted; it applies live the first time.';
    default:
      return lookAtStatus;
  }
}

export function configuredRung({ status: { engine, isConfigured, isInEffect } }: OffloadLadderInput): OffloadRung {
  if (isConfigured) return rung('configured', 'ok', 'hw-offload is true in the database');
  // The way back to false is ignored until a restart (dpif_offload_set_global_cfg of Open vSwitch).
  if (isInEffect === true) {
    return rung('configured', 'advisory', 'hw-offload is not true in the database; the next restart ends offload', {
      remedy: lookAtStatus,
    });
  }
  return rung('configured', 'broken', 'hw-offload is not true in the database', {
    remedy: howToConfigure(engine),
  });
}

export function inEffectRung({ status }: OffloadLadderInput): OffloadRung {
  const { isInEffect, inEffectBasis, waiting, supervision } = status;
  const restart = supervision?.restart;
  const details = restart === undefined ? [] : [sentence(restart.summary)];
  const basis = sentence(inEffectBasis);
  if (waiting !== '') return rung('inEffect', 'unknown', `nothing is judged yet: ${sentence(waiting)}`);
  if (isInEffect === undefined) return rung('inEffect', 'unknown', `not known: ${basis}`, { details });
  if (isInEffect) return rung('inEffect', 'ok', `yes: ${basis}`, { details });
  const found = supervision?.findings.find(({ reason }) => reason === 'HwOffloadNotInEffect');
  // Where it is not configured, the rung before this one has said what to do.
  const elsewhere = status.isConfigured ? lookAtStatus : '';
  const remedy = found === undefined ? elsewhere : sentence(found.remedy);
  return rung('inEffect', 'broken', `no: ${basis}`, { details, remedy });
}
