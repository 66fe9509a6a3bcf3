/**
 * The facts of the node: the machine from the kernel's files, Open vSwitch from its database, the physical ports from the
 * inventory, the firmware from the adapter itself. Read when somebody asks, at most once a second; firmware, which takes
 * starting a tool, far more seldom.
 */

import type { CapabilityFacts, NodeFacts, NodeSource, OvsFacts, UplinkFacts } from '../agent/api-view.js';
import type { DeviceSource, StoreSnapshot, SwitchStore } from '../agent/ports.js';
import { createDevlinkReader } from '../host/devlink-reader.js';
import { readFirmware } from '../host/firmware.js';
import { MachineReader } from '../host/machine-facts.js';
import type { Clock } from '../lib/clock.js';
import { safeText } from '../lib/text.js';
import type { Netdev } from '../model/netdev.js';

/** What does not change while the agent runs. */
export type AgentFacts = Pick<
  NodeFacts,
  | 'version'
  | 'owner'
  | 'startedWallMs'
  | 'repair'
  | 'attachMode'
  | 'runtimeVersion'
  | 'configFile'
  | 'stateDir'
  | 'finder'
>;

export interface NodeFactsOptions {
  readonly agent: AgentFacts;
  /** Directory of Open vSwitch's sockets. */
  readonly runDir: string;
  readonly machine: MachineReader;
  /** Asks the adapter behind the device; undefined: there is no uplink. Never rejects. */
  readonly readFirmware: (device: string | undefined) => Promise<string | undefined>;
  readonly store: Pick<SwitchStore, 'snapshot'> & { schemaVersion(): string | undefined };
  readonly devices: Pick<DeviceSource, 'snapshot'>;
  /** Name of the node in the host cluster whose pods are looked at; undefined while nobody has said. */
  readonly hostNodeName: () => string | undefined;
  readonly capabilities: () => readonly CapabilityFacts[];
  readonly clock: Clock;
}

/** How long facts are as good as new, ms: no number of callers makes the agent read more often. */
const factsFreshMs = 1_000;
/** Firmware changes with a reset of the adapter, which nobody tells. */
const firmwareFreshMs = 600_000;

const textOf = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : safeText(value, 128);

/** The datapath that all bridges use; `mixed` where they use several. */
function datapathOf({ bridges }: StoreSnapshot): string | undefined {
  const types = new Set([...bridges.values()].map(({ datapathType }) => datapathType || 'system'));
  const [first] = types;
  return types.size > 1 ? 'mixed' : textOf(first);
}

function ovsFacts(snapshot: StoreSnapshot | undefined, schemaVersion: string | undefined, runDir: string): OvsFacts {
  const root = snapshot?.root;
  return {
    version: textOf(root?.ovsVersion),
    schemaVersion: textOf(schemaVersion),
    dpdkVersion: textOf(root?.dpdkVersion),
    docaVersion: textOf(root?.docaVersion),
    isDpdkInitialized: root?.isDpdkInitialized ?? false,
    isDocaInitialized: root?.isDocaInitialized ?? false,
    datapathTypes: (root?.datapathTypes ?? []).map((type) => safeText(type, 64)),
    engine: snapshot === undefined ? undefined : datapathOf(snapshot),
    runDir,
  };
}

export class NodeFactsReader implements NodeSource {
  readonly #options: NodeFactsOptions;
  #reading: { readonly nowMs: number; readonly facts: Promise<NodeFacts> } | undefined;
  #firmware:
    | { readonly nowMs: number; readonly device: string | undefined; readonly version: Promise<string | undefined> }
    | undefined;

  constructor(options: NodeFactsOptions) {
    this.#options = options;
  }

  facts(): Promise<NodeFacts> {
    const nowMs = this.#options.clock.nowMs();
    if (this.#reading === undefined || nowMs - this.#reading.nowMs >= factsFreshMs) {
      this.#reading = { nowMs, facts: this.#read() };
    }
    return this.#reading.facts;
  }

  async #read(): Promise<NodeFacts> {
    const { agent, store, runDir, hostNodeName, capabilities, machine } = this.#options;
    const uplinks = this.#uplinks();
    const [reading, firmware, facts] = await Promise.all([
      machine.read(),
      this.#readFirmware(uplinks[0]?.name),
      Promise.all(uplinks.map((netdev) => this.#uplink(netdev))),
    ]);
    return {
      ...agent,
      hostNodeName: hostNodeName(),
      machine: { ...reading, firmware },
      ovs: ovsFacts(store.snapshot(), store.schemaVersion(), runDir),
      uplinks: facts,
      capabilities: capabilities(),
    };
  }

  /** In the order of their numbers. */
  #uplinks(): readonly Netdev[] {
    const netdevs = [...(this.#options.devices.snapshot()?.values() ?? [])];
    const uplinks = netdevs.filter(({ kind, port }) => kind === 'uplink' && port !== undefined);
    return uplinks.sort((a, b) => (a.port ?? 0) - (b.port ?? 0) || (a.name < b.name ? -1 : 1));
  }

  async #uplink({ name, port, hasCarrier, mtu, mac }: Netdev): Promise<UplinkFacts> {
    const speedBps = hasCarrier ? await this.#options.machine.linkSpeedBps(name) : undefined;
    return { name, port: port ?? 0, hasCarrier, speedBps, mtu, mac };
  }

  #readFirmware(device: string | undefined): Promise<string | undefined> {
    const { clock, readFirmware } = this.#options;
    const nowMs = clock.nowMs();
    const known = this.#firmware;
    if (known?.device === device && known !== undefined && nowMs - known.nowMs < firmwareFreshMs) return known.version;
    const version = readFirmware(device);
    this.#firmware = { nowMs, device, version };
    return version;
  }
}

export interface NodeFactsSources extends Omit<NodeFactsOptions, 'machine' | 'readFirmware'> {
  /** Directory under which sys, proc and etc are looked for. */
  readonly root: string;
}

/** The facts of this machine, with the tools that it has. */
export function createNodeFacts({ root, ...options }: NodeFactsSources): NodeSource {
  const { clock } = options;
  const devlink = createDevlinkReader({ clock });
  return new NodeFactsReader({
    ...options,
    machine: new MachineReader({ root }),
    readFirmware: (device) => readFirmware(device, { clock, devlink }),
  });
}
