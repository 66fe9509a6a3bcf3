/**
 * Judges in which mode the DPU's embedded switch is. Pure; used by the status report, so that "no representor" is told
 * as what it is: legacy mode, NIC mode, or no BlueField at all.
 */
import type { NetdevMap } from '../model/netdev.js';
import type { DevlinkEswitch } from './devlink.js';

/**
 * - `switchdev`: representors exist and can be plugged.
 * - `legacy`: the cards are there, their eSwitch is not in switchdev mode.
 * - `nic`: a BlueField whose eSwitch belongs to the host; the DPU's cores see no representor.
 * - `none`: no sign of an eSwitch.
 */
export type EswitchMode = 'switchdev' | 'legacy' | 'nic' | 'none';

/** The mode and a sentence on what it rests on. */
export interface EswitchJudgement {
  readonly mode: EswitchMode;
  readonly reason: string;
}

/** Drivers of BlueField's functions, on the PCI bus and on the auxiliary one. */
const cardDriverPattern = /^mlx5_core(?:\.|$)/;

/**
 * @param eswitches what devlink says, or undefined when it cannot be asked
 */
export function judgeEswitchMode(
  netdevs: NetdevMap,
  eswitches: readonly DevlinkEswitch[] | undefined,
): EswitchJudgement {
  const devices = [...netdevs.values()];
  const uplink = devices.find((netdev) => netdev.kind === 'uplink');
  const hostFunction = devices.find((netdev) => netdev.isExternal === true && netdev.switchId !== undefined);
  if (uplink !== undefined || hostFunction !== undefined) {
    return { mode: 'switchdev', reason: `${(uplink ?? hostFunction)?.name ?? ''} is a port of an embedded switch.` };
  }
  if (eswitches?.some((eswitch) => eswitch.mode === 'legacy')) {
    return { mode: 'legacy', reason: 'devlink says that the embedded switch is in legacy mode.' };
  }
  return judgeWithoutPorts(devices.some(hasCardDriver), eswitches);
}

function hasCardDriver(netdev: { readonly driverNames?: readonly string[] | undefined }): boolean {
  return netdev.driverNames?.some((name) => cardDriverPattern.test(name)) ?? false;
}

/**
 * Neither an uplink nor a function of the host. A card in legacy mode on an old kernel looks the same as one in NIC
 * mode if devlink cannot be asked; NIC mode is then the guess, and the sentence says that it is one.
 */
function judgeWithoutPorts(hasCard: boolean, eswitches: readonly DevlinkEswitch[] | undefined): EswitchJudgement {
  if (eswitches?.some((eswitch) => eswitch.mode === 'switchdev')) {
    return {
      mode: 'nic',
      reason: 'devlink says switchdev, yet neither an uplink nor a function of the host is to be seen.',
    };
  }
  if (!hasCard) return { mode: 'none', reason: 'No device of a BlueField is to be seen.' };
  const guess = eswitches === undefined ? ' devlink cannot be asked, so it may also be legacy mode.' : '';
  return { mode: 'nic', reason: `The card is there, without an uplink and without functions of the host.${guess}` };
}
