/** Puts together what is wanted: the configuration, the stored bundles of owners, and the desk that takes new ones. */

import { BundleIntents } from '../adapters/bundle-intents.js';
import { IntentFiles } from '../adapters/intent-files.js';
import type { AllIntents } from '../agent/all-intents.js';
import type { ChainReconciler } from '../agent/chain-reconciler.js';
import { OwnersDesk } from '../agent/intent-desk.js';
import type { IntentPreview } from '../agent/intent-desk-types.js';
import type { IntentAlarm, Standing } from '../agent/intent-ports.js';
import { previewOf } from '../agent/intent-preview.js';
import type { JournalChange } from '../agent/journal.js';
import type { DeviceSource } from '../agent/ports.js';
import type { Reconciler } from '../agent/reconciler.js';
import type { Config } from '../config/config.js';
import { judgedName } from '../intent/resolve.js';
import type { Clock } from '../lib/clock.js';
import type { ChainIntent } from '../model/chain.js';
import type { Finding } from '../model/condition.js';
import type { Intents } from '../model/intent.js';
import type { NetdevMap } from '../model/netdev.js';

export interface AssembleIntentsOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Commands that only look set nothing aside. */
  readonly isWriter: boolean;
  /** Whether this agent is the one that writes to the switch. */
  readonly standing: () => Standing;
  readonly devices: DeviceSource;
  /** The loops, once they are made. */
  readonly loops: () => { readonly reconciler: Reconciler; readonly chains: ChainReconciler };
  readonly onJournal: (change: JournalChange) => void;
  readonly onFindings: (findings: readonly Finding[]) => void;
  /** Something that was stored could not be read as it was written. */
  readonly onAlarm: (error: Error) => void;
}

export interface IntentsPart {
  readonly desk: OwnersDesk;
  /** What is wanted by all, for the loops. */
  readonly wanted: AllIntents;
  /** Takes over a new configuration; the bundles of owners are held against it. */
  replace(config: Config): void;
}

const noDevices: NetdevMap = new Map();

/** What would be changed if these were all that is wanted. Patch ports that the chains need are ports like others. */
function preview(
  { reconciler, chains }: ReturnType<AssembleIntentsOptions['loops']>,
  intents: Intents,
  wanted: readonly ChainIntent[],
): IntentPreview | undefined {
  const chainLook = chains.lookWith(wanted, intents);
  const patches = chainLook?.verdict.patches ?? [];
  const look = reconciler.lookWith({ ...intents, ports: [...intents.ports, ...patches] });
  return look === undefined ? undefined : previewOf(look, chainLook);
}

export function assembleIntents(options: AssembleIntentsOptions): IntentsPart {
  const { config, clock, devices, isWriter, loops } = options;
  const compiler = new BundleIntents(config);
  const alarms: IntentAlarm[] = [];
  // The store speaks before the desk is there.
  const held: { desk?: OwnersDesk } = {};
  const store = new IntentFiles({
    stateDir: config.agent.stateDir,
    isReadOnly: !isWriter,
    onAlarm: (alarm) => {
      if (held.desk === undefined) alarms.push(alarm);
      else held.desk.alarm(alarm);
      options.onAlarm(alarm.error);
    },
  });
  const records = store.load();
  const made = new OwnersDesk(
    {
      compiler,
      store,
      clock,
      standing: options.standing,
      onJournal: options.onJournal,
      preview: (intents, chains) => preview(loops(), intents, chains),
      nameOf: (port) => judgedName(port, devices.snapshot() ?? noDevices, devices.find),
      onFindings: options.onFindings,
    },
    { controllerLossMs: config.api.grpc.controllerLossMs, alarms, records },
  );
  held.desk = made;
  return {
    desk: made,
    wanted: made.intents,
    replace: (next) => {
      compiler.replace(next);
      made.reload();
    },
  };
}
