/**
 * What is there now, read from Open vSwitch and the kernel. Keyed by name: uuids and OpenFlow numbers change under us and
 * are carried only to address the rows within one plan.
 */

import type { Netdev } from './netdev.js';
import type { StringMap } from './ownership.js';

export interface ObservedBridge {
  readonly uuid: string;
  readonly name: string;
  readonly datapathType: string;
  readonly failMode: 'secure' | 'standalone' | undefined;
  readonly protocols: readonly string[];
  /** As vswitchd reports it; undefined until it has made the switch. */
  readonly datapathId: string | undefined;
  /** Whether packets of it are sampled for sFlow. */
  readonly hasSflow: boolean;
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
}

export interface ObservedInterface {
  readonly uuid: string;
  readonly name: string;
  readonly type: string;
  readonly options: StringMap;
  /** -1: could not be opened. Undefined: not assigned yet. */
  readonly ofport: number | undefined;
  readonly ofportRequest: number | undefined;
  readonly mtu: number | undefined;
  readonly mtuRequest: number | undefined;
  readonly error: string | undefined;
  readonly linkState: 'up' | 'down' | undefined;
  /** How often vswitchd has seen the link change; 0 where it has not said. A device that is made anew begins anew. */
  readonly linkResets: number;
  readonly ifindex: number | undefined;
  readonly macInUse: string | undefined;
  /** kbit/s and kbit; 0: unlimited. */
  readonly policingRate: number;
  readonly policingBurst: number;
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
}

export interface ObservedPort {
  readonly uuid: string;
  readonly name: string;
  readonly bridge: string;
  readonly tag: number | undefined;
  readonly trunks: readonly number[];
  readonly vlanMode: string | undefined;
  /** uuid of its QoS row. */
  readonly qos: string | undefined;
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
  /** More than one: a bond. */
  readonly interfaces: readonly ObservedInterface[];
}

/** A row of table QoS. It belongs to no port by itself: a port refers to it. */
export interface ObservedQos {
  readonly uuid: string;
  readonly type: string;
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
}

/** The one row of table Open_vSwitch. */
export interface ObservedRoot {
  readonly uuid: string;
  readonly curCfg: number;
  readonly nextCfg: number;
  readonly externalIds: StringMap;
  /** Settings of ovs-vswitchd; empty where the schema lacks the column. */
  readonly otherConfig: StringMap;
  /** other_config:flow-restore-wait: a vswitchd that finds it at its start forwards nothing until it is taken away. */
  readonly isRestoreAwaited: boolean;
  /** Empty when vswitchd has not said (or the schema lacks the column). */
  readonly datapathTypes: readonly string[];
  readonly ifaceTypes: readonly string[];
  readonly ovsVersion: string | undefined;
  /** Undefined without DPDK, or where the schema lacks the column. */
  readonly dpdkVersion: string | undefined;
  /** Undefined without DOCA; only some builds have the column. */
  readonly docaVersion: string | undefined;
  readonly isDpdkInitialized: boolean;
  readonly isDocaInitialized: boolean;
  /** Whether the server's schema has the columns of the two above at all. */
  readonly initColumns: { readonly dpdk: boolean; readonly doca: boolean };
  /**
   * What ovs-vswitchd counts of the machine and of itself (`process_ovs-vswitchd`, `memory` …), every 5 s; empty unless
   * other_config:enable-statistics is true.
   */
  readonly statistics: StringMap;
}

/** Whether vswitchd is answering, seen on its own sockets and not in the database. */
export interface SwitchLiveness {
  /** Bridges whose management socket gave a live OpenFlow answer. */
  readonly answering: ReadonlySet<string>;
  /** Bridges that were asked and did not answer. */
  readonly silent: ReadonlySet<string>;
  /** Of the silent ones, those whose socket this user may not open. */
  readonly denied: ReadonlySet<string>;
}

export interface Observed {
  readonly root: ObservedRoot;
  readonly bridges: ReadonlyMap<string, ObservedBridge>;
  readonly ports: ReadonlyMap<string, ObservedPort>;
  readonly netdevs: ReadonlyMap<string, Netdev>;
  readonly liveness: SwitchLiveness;
}
