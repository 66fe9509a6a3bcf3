/** What `dpuctl doctor` looks at, as facts: gathered in one place, judged by pure checks. Types and their constructors. */

import type { Node, Status } from '../gen/proto/dpu/agent/v1/node_pb.js';
import type { OffloadStatus } from '../gen/proto/dpu/agent/v1/offload_pb.js';
import { known, unknown, type Fact } from '../model/fact.js';

export { known, unknown, type Fact };

/** The row of table Open_vSwitch, and what hangs on it. Keys that are not set are absent. */
export interface DatabaseFacts {
  readonly endpoint: string;
  readonly schemaVersion: string | undefined;
  readonly curCfg: number;
  readonly nextCfg: number;
  readonly otherConfig: ReadonlyMap<string, string>;
  /** Undefined: the schema has no such column. */
  readonly isDpdkInitialized: boolean | undefined;
  readonly isDocaInitialized: boolean | undefined;
  readonly bridges: readonly { readonly name: string; readonly datapathType: string }[];
  readonly interfaces: readonly {
    readonly name: string;
    readonly ofport: number | undefined;
    readonly error: string;
  }[];
}

/** What runs as ovs-vswitchd. */
export interface VswitchdFacts {
  readonly pid: number;
  /** What it says of itself on its control socket. */
  readonly version: string;
  /** Undefined where /proc does not show the process (another pid namespace). */
  readonly process:
    { readonly isReplaced: boolean; readonly startedMs: number; readonly binaryMs: number | undefined } | undefined;
}

export interface MachineFacts {
  /** Devices that have an eSwitch, and how many of them are representors or uplinks. */
  readonly devices: readonly { readonly name: string; readonly portName: string; readonly switchId: string }[];
  readonly hugePages: readonly { readonly sizeBytes: number; readonly total: number; readonly free: number }[];
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
}

export interface StateDirFacts {
  readonly path: string;
  readonly isWritable: boolean;
  readonly freeBytes: number;
  /** Files that were set aside since they were damaged. */
  readonly damaged: readonly string[];
}

export interface ConfigFacts {
  readonly file: string;
  readonly isValid: boolean;
  /** What the check of the daemon said. */
  readonly text: string;
}

export interface UnitFacts {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly isEnabled: boolean;
}

export interface DoctorFacts {
  readonly status: Fact<Status>;
  readonly node: Fact<Node>;
  /** What the agent says of hardware offload. */
  readonly offload: Fact<OffloadStatus>;
  readonly config: Fact<ConfigFacts>;
  readonly database: Fact<DatabaseFacts>;
  readonly vswitchd: Fact<VswitchdFacts>;
  readonly machine: Fact<MachineFacts>;
  readonly stateDir: Fact<StateDirFacts>;
  readonly units: Fact<readonly UnitFacts[]>;
  /** The configuration file that was looked at. */
  readonly configFile: string;
  /** Milliseconds since 1970 UTC at which they were gathered. */
  readonly wallMs: number;
}

export interface CheckResult {
  readonly outcome: 'pass' | 'fail' | 'untestable';
  readonly message: string;
  /** What a person can do; of a failure only. */
  readonly remedy?: string;
}

export interface Check {
  /** Stable name. */
  readonly name: string;
  readonly run: (facts: DoctorFacts) => CheckResult;
}

export const pass = (message: string): CheckResult => ({ outcome: 'pass', message });
export const fail = (message: string, remedy: string): CheckResult => ({ outcome: 'fail', message, remedy });
export const untestable = (message: string): CheckResult => ({ outcome: 'untestable', message });

/**
 * Judges a fact that is known; the others cannot be tested.
 * @param why instead of what the fact says, where another check has said it already
 */
export function judge<T>(fact: Fact<T>, check: (value: T) => CheckResult, why?: string): CheckResult {
  return fact.kind === 'known' ? check(fact.value) : untestable(why ?? fact.why);
}
