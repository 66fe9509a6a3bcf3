/** Settings against what is in effect, and combinations that are known to hurt. */

import { safeText } from '../../lib/text.js';
import type { Reason } from '../../model/reasons.js';
import {
  clear,
  evidenceOf,
  found,
  foundAny,
  given,
  listed,
  notTestable,
  port,
  vswitchd,
  type OffloadCheck,
  type OffloadFinding,
} from '../check.js';
import { isWeaker } from '../engine-state.js';
import type { InterfaceFacts, RootFacts } from '../offload-facts.js';
import { initState, isSet } from '../preflight.js';
import type { SettingResult, SettingVerdict } from '../setting-verdicts.js';

const settingReasons: Partial<Readonly<Record<SettingVerdict, Reason>>> = {
  restartRequired: 'RestartRequired',
  dangerous: 'SettingDangerous',
  invalid: 'SettingInvalid',
};

const settingRemedies: Partial<Readonly<Record<SettingVerdict, string>>> = {
  restartRequired: 'Restart ovs-vswitchd in a maintenance window, in the order that dpuctl offload status prints.',
  dangerous: 'Make the change by hand with the node drained, or take it out of the configuration.',
  invalid: 'Correct the value in the configuration.',
};

function settingFinding({
  key,
  verdict,
  message,
  stored,
  effective,
  declared,
}: SettingResult): readonly OffloadFinding[] {
  const reason = settingReasons[verdict];
  if (reason === undefined) return [];
  const inEffect = effective.kind === 'known' ? (effective.value ?? 'nothing') : `unknown: ${effective.why}`;
  const evidence = evidenceOf({ declared, stored, inEffect });
  return [
    { reason, subject: { kind: 'setting', name: key }, message, evidence, remedy: settingRemedies[verdict] ?? '' },
  ];
}

export const settingsInEffect: OffloadCheck = {
  name: 'settings-in-effect',
  reasons: ['RestartRequired', 'SettingDangerous', 'SettingInvalid'],
  run: ({ settings }) => given([settings], (results) => foundAny(results.flatMap(settingFinding))),
};

/** Ports that DPDK or DOCA opened on a function of the card. */
const isHardwarePort = ({ type, options }: InterfaceFacts): boolean =>
  type === 'doca' || (type === 'dpdk' && /representor=/.test(options.get('dpdk-devargs') ?? ''));

export const hwOffloadInEffect: OffloadCheck = {
  name: 'hw-offload-in-effect',
  reasons: ['HwOffloadNotInEffect'],
  run: ({ settings }) =>
    given([settings], (results) => {
      const result = results.find(({ key }) => key === 'hw-offload');
      if (result?.stored?.toLowerCase() !== 'true') return clear;
      // A daemon that has only not taken the change yet is told as unknown.
      if (result.effective.kind === 'unknown' || result.verdict === 'unknown') {
        return notTestable(result.effective.kind === 'unknown' ? result.effective.why : result.message);
      }
      if (result.effective.value === 'true') return clear;
      return found({
        reason: 'HwOffloadNotInEffect',
        subject: vswitchd,
        message: `hw-offload is stored as true, and ovs-vswitchd does not offload: ${result.effective.basis}.`,
        evidence: evidenceOf({ stored: result.stored, inEffect: result.effective.value }),
        remedy: 'Restart ovs-vswitchd in a maintenance window.',
      });
    }),
};

export const portsProvided: OffloadCheck = {
  name: 'ports-have-a-provider',
  reasons: ['OffloadPortLeftOut'],
  run: ({ settings, providedPorts, interfaces, devices }) =>
    given([settings, providedPorts, interfaces, devices], (results, provided, rows, netdevs) => {
      const { effective } = results.find(({ key }) => key === 'hw-offload') ?? {};
      if (effective?.kind !== 'known') return notTestable('whether hw-offload is in effect is not known');
      if (effective.value !== 'true') return clear;
      const representors = new Set(netdevs.filter(({ kind }) => kind !== 'other').map(({ name }) => name));
      // `none` says that a port is left out on purpose.
      const left = rows.filter(
        (row) =>
          (representors.has(row.name) || isHardwarePort(row)) &&
          (row.ofport ?? -1) > 0 &&
          row.isNew !== true &&
          row.otherConfig.get('hw-offload-priority') !== 'none' &&
          !provided.has(row.name),
      );
      return foundAny(
        left.map(({ name, type }) => ({
          reason: 'OffloadPortLeftOut',
          subject: port(name),
          message: `Offload is in effect, and no provider has port ${safeText(name)}: its flows stay in software.`,
          evidence: evidenceOf({ type, providers: [...provided].length }),
          remedy:
            'See hw-offload-priority and the log at the time when the port was added; have its owner add it anew.',
        })),
      );
    }),
};

export const offloadOffWithPorts: OffloadCheck = {
  name: 'offload-off-with-ports',
  reasons: ['HwOffloadOffWithPorts'],
  run: ({ root, interfaces }) =>
    given([root, interfaces], ({ otherConfig }, rows) => {
      const ports = rows.filter(isHardwarePort).map(({ name }) => name);
      if (ports.length === 0 || isSet(otherConfig, 'hw-offload')) return clear;
      return found({
        reason: 'HwOffloadOffWithPorts',
        subject: vswitchd,
        message: `hw-offload is not true, and there are ports of representors: ${listed(ports)}.`,
        evidence: evidenceOf({ 'hw-offload': otherConfig.get('hw-offload') ?? 'absent', ports: ports.length }),
        remedy: 'Set hw-offload=true together with a restart of ovs-vswitchd in a maintenance window, not live.',
      });
    }),
};

function initFinding(root: RootFacts, ports: readonly string[]): OffloadFinding {
  const { isDpdkInitialized, isDocaInitialized, ifaceTypes } = root;
  const hit = ports.length === 0 ? '' : ` Ports without it: ${listed(ports)}.`;
  return {
    reason: 'EngineNotInitialized',
    subject: vswitchd,
    message: `DPDK or DOCA is asked for or needed by ports, and was not initialised.${hit}`,
    evidence: evidenceOf({
      dpdk_initialized: isDpdkInitialized,
      doca_initialized: isDocaInitialized,
      iface_types: ifaceTypes.filter((type) => /dpdk|doca/.test(type)).join(',') || 'none of them',
    }),
    remedy:
      'Read the log of ovs-vswitchd at its start, correct the cause, and restart it in a maintenance window. Leave doca-init as it is while the daemon runs.',
  };
}

export const engineInitialized: OffloadCheck = {
  name: 'engine-initialized',
  reasons: ['EngineNotInitialized'],
  run: ({ root, interfaces }) =>
    given([root, interfaces], (row, rows) => {
      const untyped = row.ifaceTypes.length === 0 ? [] : rows.filter(({ type }) => /^(?:dpdk|doca)/.test(type));
      const ports = untyped.filter(({ type, ofport }) => ofport === -1 && !row.ifaceTypes.includes(type));
      const init = initState(row);
      if (init?.state === 'missing' || ports.length > 0)
        return found(
          initFinding(
            row,
            ports.map(({ name }) => name),
          ),
        );
      if (init?.state === 'unknown') return notTestable(`no column says whether ${init.what} was initialised`);
      return clear;
    }),
};

export const engineKept: OffloadCheck = {
  name: 'engine-kept',
  reasons: ['EngineRegressed'],
  run: ({ engine }) =>
    given([engine], ({ now, best }) => {
      if (now === undefined || best === undefined) return notTestable('the engine is not known');
      if (!isWeaker(now.kind, best.kind)) return clear;
      return found({
        reason: 'EngineRegressed',
        subject: vswitchd,
        message: `The offload engine is ${now.kind}, and was ${best.kind} before.`,
        evidence: evidenceOf({ now: now.basis.join('; '), before: best.basis.join('; ') }),
        remedy: 'Compare the two; correct what changed, and restart ovs-vswitchd in a maintenance window.',
      });
    }),
};

const crashRemedy = 'Take one of the two out of the configuration at the next restart.';

export const crashProneSettings: OffloadCheck = {
  name: 'crash-prone-settings',
  reasons: ['CrashProneSetting'],
  run: ({ root, bridges, interfaces, engine }) =>
    given([root, bridges, interfaces, engine], ({ otherConfig }, bridgeRows, rows, { now }) => {
      if (now?.isDoca !== true) return clear;
      const sampled = bridgeRows.filter(({ hasSflow }) => hasSflow).map(({ name }) => name);
      const vhost = rows.filter(({ type }) => type.startsWith('dpdkvhostuser')).map(({ name }) => name);
      const about = { reason: 'CrashProneSetting', subject: vswitchd, remedy: crashRemedy } as const;
      const findings: OffloadFinding[] = [];
      if (sampled.length > 0) {
        const message = `sFlow is set on ${listed(sampled)}, and OVS-DOCA is known to crash with it (4186679, 3987526).`;
        findings.push({ ...about, message, evidence: evidenceOf({ sflow: sampled.join(',') }) });
      }
      if (vhost.length > 0) {
        const message = `${listed(vhost)} use vhost-user, with which OVS-DOCA is known to crash (4220089).`;
        findings.push({ ...about, message, evidence: evidenceOf({ vhostUser: vhost.join(',') }) });
      }
      if (otherConfig.get('hw-offload-ct-size')?.trim() === '0') {
        const message =
          'hw-offload-ct-size is 0; with rules of connection tracking OVS-DOCA is known to crash (4287011).';
        findings.push({ ...about, message, evidence: evidenceOf({ 'hw-offload-ct-size': 0 }) });
      }
      return foundAny(findings);
    }),
};

export const restoreWaitOver: OffloadCheck = {
  name: 'flow-restore-wait',
  reasons: ['RestoreWaitStuck'],
  run: ({ root }, { restoreWaitMsMax }) =>
    given([root], ({ restoreWaitMs }) => {
      if (restoreWaitMs === undefined || restoreWaitMs <= restoreWaitMsMax) return clear;
      return found({
        reason: 'RestoreWaitStuck',
        subject: vswitchd,
        message: `flow-restore-wait has been true for ${Math.round(restoreWaitMs / 1_000)} s: an ovs-vswitchd that started with it forwards nothing, and the next one would not either.`,
        evidence: evidenceOf({ 'flow-restore-wait': true, seconds: Math.round(restoreWaitMs / 1_000) }),
        remedy:
          'See why ovs-ctl did not finish; when no restart is under way: ovs-vsctl remove Open_vSwitch . other_config flow-restore-wait',
      });
    }),
};

export const settingChecks: readonly OffloadCheck[] = [
  settingsInEffect,
  hwOffloadInEffect,
  portsProvided,
  offloadOffWithPorts,
  engineInitialized,
  engineKept,
  crashProneSettings,
  restoreWaitOver,
];
