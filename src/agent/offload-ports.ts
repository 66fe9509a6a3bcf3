/**
 * What the supervisor of offload needs of the world, as interfaces: implemented in `adapters`, faked in tests. Every method
 * gives up by itself; nothing is asked twice at a time of one of them.
 */

import type { SoftwareContext } from '../offload/software-reason.js';
import type { TierContext } from '../offload/flow-tier.js';
import type {
  FlowsReading,
  MachineQuickReading,
  MachineSlowReading,
  RulesReading,
  SwitchQuickReading,
  SwitchSlowReading,
} from '../offload/readings.js';
import type { LiveEdit } from '../offload/setting-verdicts.js';
import type { ApplyResult } from './ports.js';

/** ovs-vswitchd on its control socket. Commands that it lacks make a fact unknown, never an error. */
export interface SwitchInspector {
  /** @throws AgentError when there is no daemon, or it does not answer in time */
  readQuick(signal: AbortSignal): Promise<SwitchQuickReading>;
  /** @throws AgentError as `readQuick` */
  readSlow(signal: AbortSignal): Promise<SwitchSlowReading>;
  /**
   * Adds up all datapath flows while they stream by.
   * @param context what holds for each datapath, by its name (`netdev@ovs-netdev`); asked for before the dump
   * @throws AgentError as `readQuick`
   */
  readFlows(
    scope: 'all' | 'software',
    context: (datapath: string) => SoftwareContext & TierContext,
    signal: AbortSignal,
  ): Promise<FlowsReading>;
  /** Which OpenFlow rules flows were made from; what cannot be told says why. At most 16 flows and 32 searches at a time. */
  readRules(ufids: readonly string[], signal: AbortSignal): Promise<RulesReading>;
  /** For how long ovs-vswitchd has had a question and not answered, ms; undefined: it has none. */
  busyMs(): number | undefined;
  close(): void;
}

/** The machine under the switch. */
export interface MachineInspector {
  /**
   * Never throws: what cannot be read is unknown.
   * @param names devices whose counters are wanted; undefined: none is asked for, and they are unknown
   */
  readQuick(
    pid: number | undefined,
    names: ReadonlySet<string> | undefined,
    signal: AbortSignal,
  ): Promise<MachineQuickReading>;
  readSlow(signal: AbortSignal): Promise<MachineSlowReading>;
  /** What the platform does at this moment, by itself and cheaper than `readSlow`. Never throws. */
  readPlatform(signal: AbortSignal): Promise<MachineSlowReading['platform']>;
}

/** Writes settings of Open_vSwitch:other_config, key by key, each only while it has the value that the edit was planned on. */
export interface SettingStore {
  applySettings(edits: readonly LiveEdit[], comment: string, signal: AbortSignal): Promise<ApplyResult>;
}
