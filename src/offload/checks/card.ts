/** The card: its mode, its embedded switches, and the representors of the host. */

import { safeText } from '../../lib/text.js';
import type { Netdev } from '../../model/netdev.js';
import {
  clear,
  device,
  evidenceOf,
  found,
  foundAny,
  given,
  listed,
  node,
  notTestable,
  type OffloadCheck,
  type OffloadFinding,
} from '../check.js';

const isFunctionOfHost = ({ kind }: Netdev): boolean => kind === 'hostPf' || kind === 'hostVf' || kind === 'hostSf';
/** Drivers of BlueField's functions, on the PCI bus and on the auxiliary one. */
const hasCardDriver = ({ driverNames }: Netdev): boolean =>
  driverNames?.some((name) => /^mlx5_core(?:\.|$)/.test(name)) ?? false;

export const representors: OffloadCheck = {
  name: 'representors',
  reasons: ['RepresentorsAbsent'],
  run: ({ devices }, { vfsExpected }) =>
    given([devices], (netdevs) => {
      if (vfsExpected.size === 0) return notTestable('the configuration expects no number of functions');
      const findings: OffloadFinding[] = [];
      for (const [pf, expected] of vfsExpected) {
        const there = new Set(
          netdevs.flatMap((netdev) => (netdev.kind === 'hostVf' && netdev.pf === pf ? (netdev.vf ?? []) : [])),
        );
        const missing = Array.from({ length: expected }, (_, vf) => vf).filter((vf) => !there.has(vf));
        if (missing.length === 0) continue;
        const host = netdevs.find((netdev) => netdev.kind === 'hostPf' && netdev.pf === pf);
        findings.push({
          reason: 'RepresentorsAbsent',
          subject: device(host?.name ?? `pf${pf}`),
          message: `Of ${expected} virtual functions of PF ${pf}, ${there.size} have a representor; missing: ${listed(missing.map(String))}.`,
          evidence: evidenceOf({ expected, present: there.size, opstate: host?.functionOpstate }),
          remedy:
            'Wait for the host to make them (sriov_numvfs). Leave the mode of the embedded switch and the driver alone.',
        });
      }
      return foundAny(findings);
    }),
};

export const hostAttached: OffloadCheck = {
  name: 'host-attached',
  reasons: ['HostDetached'],
  run: ({ devices }) =>
    given([devices], (netdevs) => {
      const told = netdevs.filter((netdev) => isFunctionOfHost(netdev) && netdev.functionOpstate !== undefined);
      if (told.length === 0) return notTestable('devlink tells no opstate of a function of the host');
      if (told.some(({ functionOpstate }) => functionOpstate === 'attached')) return clear;
      return found({
        reason: 'HostDetached',
        subject: node,
        message: `No driver of the host has bound any of its ${told.length} functions: the host is down, or boots.`,
        evidence: evidenceOf({ functions: listed(told.map(({ name }) => name)), opstate: 'detached' }),
        remedy: 'See whether the host runs and its driver is loaded; ports stay as they are meanwhile.',
      });
    }),
};

export const cardMode: OffloadCheck = {
  name: 'card-mode',
  reasons: ['NicMode'],
  run: ({ devices, eswitches }) =>
    given([devices, eswitches], (netdevs, modes) => {
      if (netdevs.some((netdev) => netdev.kind === 'uplink' || isFunctionOfHost(netdev))) return clear;
      if (!netdevs.some(hasCardDriver)) return notTestable('no device of a BlueField is to be seen');
      // Legacy mode also hides them, and is told as such.
      if (modes.some(({ mode }) => mode === 'legacy')) return clear;
      return found({
        reason: 'NicMode',
        subject: node,
        message: 'The card is there, with neither an uplink nor a function of the host: it is in NIC mode.',
        evidence: evidenceOf({ devices: netdevs.length, eswitches: modes.length }),
        remedy: 'A person sets DPU mode with the tools of the firmware, with a power cycle after it.',
      });
    }),
};

export const eswitchModes: OffloadCheck = {
  name: 'eswitch-modes',
  reasons: ['EswitchLegacy', 'EncapOffloadOff'],
  run: ({ eswitches, interfaces }) =>
    given([eswitches], (modes) => {
      if (modes.length === 0) return notTestable('devlink tells of no embedded switch');
      const rows = interfaces.kind === 'known' ? interfaces.value : [];
      const hasTunnels = rows.some(({ type }) => ['vxlan', 'geneve', 'gre'].includes(type));
      return foundAny(
        modes.flatMap(({ device: name, mode, encapMode }): readonly OffloadFinding[] => {
          if (mode !== 'switchdev') {
            return [
              {
                reason: 'EswitchLegacy',
                subject: device(name),
                message: `The embedded switch of ${safeText(name)} is in mode ${safeText(mode, 32)}: nothing is offloaded.`,
                evidence: evidenceOf({ mode }),
                remedy: 'See systemctl status mlnx_bf_configure; leave the mode alone while functions are bound.',
              },
            ];
          }
          if (encapMode !== 'none' || !hasTunnels) return [];
          return [
            {
              reason: 'EncapOffloadOff',
              subject: device(name),
              message: `The embedded switch of ${safeText(name)} does not offload encapsulation, and there are tunnels.`,
              evidence: evidenceOf({ 'encap-mode': encapMode }),
              remedy: 'Have the platform set encap-mode basic at boot, before functions are bound.',
            },
          ];
        }),
      );
    }),
};

export const cards: OffloadCheck = {
  name: 'cards',
  reasons: ['CardAbsent'],
  run: ({ eswitches }, { cardsExpected }) =>
    given([eswitches], (modes) => {
      if (cardsExpected.length === 0) return notTestable('the configuration names no card');
      const there = new Set(modes.map(({ device: name }) => name));
      return foundAny(
        cardsExpected
          .filter((name) => !there.has(name))
          .map((name) => ({
            reason: 'CardAbsent',
            subject: device(name),
            message: `${safeText(name)} is expected, and devlink does not know it.`,
            evidence: evidenceOf({ devlink: [...there].join(',') || 'none' }),
            remedy: 'See the log of the kernel; a person resets the card or the machine.',
          })),
      );
    }),
};

/** The function that a usual name of a representor says: `pf0vf3`, `pf0hpf`, `c1pf0vf3`. Other names say nothing. */
function functionOfName(name: string): string | undefined {
  const [, pf, vf, isPf] = /^(?:c\d+)?pf(\d+)(?:vf(\d+)|(hpf))$/.exec(name) ?? [];
  if (pf === undefined) return undefined;
  return isPf === undefined ? `pf${pf}vf${vf ?? ''}` : `pf${pf}`;
}

export const names: OffloadCheck = {
  name: 'representor-names',
  reasons: ['RepresentorRenamed'],
  run: ({ devices }) =>
    given([devices], (netdevs) => {
      const hosts = netdevs.filter(({ kind }) => kind === 'hostVf' || kind === 'hostPf');
      if (hosts.length === 0) return notTestable('there is no representor of the host');
      return foundAny(
        hosts.flatMap(({ name, kind, pf, vf, portName }): readonly OffloadFinding[] => {
          const said = functionOfName(name);
          const stands = kind === 'hostVf' ? `pf${pf ?? ''}vf${vf ?? ''}` : `pf${pf ?? ''}`;
          if (said === undefined || said === stands) return [];
          return [
            {
              reason: 'RepresentorRenamed',
              subject: device(name),
              message: `${safeText(name)} stands for ${stands}, which its name does not say.`,
              evidence: evidenceOf({ phys_port_name: portName, stands }),
              remedy:
                'Have the naming rules put right, and the port added under the right name, when it carries nothing.',
            },
          ];
        }),
      );
    }),
};

export const cardChecks: readonly OffloadCheck[] = [representors, hostAttached, cardMode, eswitchModes, cards, names];
