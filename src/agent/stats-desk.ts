/**
 * Counters for those who show them. Those of ports and of pods are what Open vSwitch put into its database last: who is on
 * which bridge comes from the loops' reading of the database, which device a pod has from the loop of the pods. Those of
 * chains are asked of the switch, once for all who ask at the same time.
 */

import type { PodFacts } from '../attach/attachment-view.js';
import { ifaceIdVerKey } from '../attach/row-identity.js';
import type { ChainView } from '../chain/chain-view.js';
import { countChainPort } from '../chain/port-counters.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import type { ObservedInterface } from '../model/observed.js';
import type { SeenBridge } from '../chain/port-counters.js';
import type { StatsAnswer, StatsRow, StatsSelection, StatsSource } from './api-view.js';
import type { StoreSnapshot, SwitchStore } from './ports.js';
import type { ChainCounterSource, ChainLook, InterfaceCounterSource } from './stats-ports.js';

export interface StatsDeskParts {
  readonly store: Pick<SwitchStore, 'snapshot'>;
  readonly counters: InterfaceCounterSource;
  readonly chainCounters: ChainCounterSource;
  readonly pods: () => readonly PodFacts[];
  /** The chains in force. */
  readonly chains: () => readonly ChainView[];
  readonly clock: Clock;
}

interface SeenInterface {
  readonly bridge: string;
  readonly row: ObservedInterface;
}

/** Two sessions read the database: one may know of a new row before the other, and its counters are not the old one's. */
const notCounted = { received: {}, sent: {} };

/** The pods were looked at before the snapshot: the row may be another pod's by now. A uid that was wiped says nothing. */
function isOfPod({ externalIds }: ObservedInterface, uid: string): boolean {
  const written = externalIds.get(ifaceIdVerKey);
  return written === undefined || safeText(written, 64) === uid;
}

/** A look at the switch serves everybody who asks within this time, ms: any number of watchers costs as much as one. */
const lookFreshMs = 250;

const notReadable =
  'The database of Open vSwitch is not readable now: ports and attachments are shown as they were last.';

interface Looked {
  readonly nowMs: number;
  readonly problems: readonly string[];
  /** By bridge, what it told last: one that does not answer now is as it was. */
  readonly bridges: ReadonlyMap<string, ToldBridge>;
}

interface ToldBridge {
  readonly wallMs: number;
  readonly seen: SeenBridge;
}

/** Made from one snapshot of the database. */
interface InterfaceRows {
  readonly snapshot: StoreSnapshot;
  /** Of the readings. */
  readonly version: number;
  readonly pods: readonly PodFacts[];
  readonly ports: readonly StatsRow[];
  readonly attachments: readonly StatsRow[];
}

export class StatsDesk implements StatsSource {
  readonly #parts: StatsDeskParts;
  #looking: Promise<Looked> | undefined;
  #looked: Looked | undefined;
  /** The last that were made: a database that cannot be read now has lost nothing. */
  #rows: InterfaceRows | undefined;

  constructor(parts: StatsDeskParts) {
    this.#parts = parts;
  }

  interfaces(): StatsAnswer {
    return this.#interfaces({ ports: true, attachments: true, chains: false, names: new Set() });
  }

  async read(selection: StatsSelection, signal: AbortSignal): Promise<StatsAnswer> {
    if (!selection.chains) return this.#interfaces(selection);
    const chains = this.#parts.chains();
    const look = chains.length === 0 ? undefined : await patience(this.#look(chains), signal);
    // Read after the wait, so that all rows are as new as the answer.
    const interfaces = this.#interfaces(selection);
    if (look === undefined) return interfaces;
    const rows = chains.flatMap((chain) => chainRows(chain, look, selection.names));
    return {
      wallMs: interfaces.wallMs,
      rows: [...interfaces.rows, ...rows],
      problems: [...interfaces.problems, ...look.problems],
    };
  }

  #interfaces({ ports, attachments, names }: StatsSelection): StatsAnswer {
    const { store, counters, clock } = this.#parts;
    const wallMs = clock.wallMs();
    if (!ports && !attachments) return { wallMs, rows: [], problems: [] };
    const snapshot = store.snapshot();
    const problem = counters.problem();
    const problems = problem === undefined ? [] : [problem];
    if (snapshot === undefined) problems.push(notReadable);
    else this.#rows = this.#makeRows(snapshot);
    const made = this.#rows;
    const portRows = made !== undefined && ports ? made.ports : [];
    const rows = made !== undefined && attachments ? [...portRows, ...made.attachments] : portRows;
    return { wallMs, rows: names.size === 0 ? rows : rows.filter(({ name }) => names.has(name)), problems };
  }

  /** The same rows as long as nothing differs that they are made from. */
  #makeRows(snapshot: StoreSnapshot): InterfaceRows {
    const { counters, pods } = this.#parts;
    const [version, facts, last] = [counters.version(), pods(), this.#rows];
    if (last?.snapshot === snapshot && last.version === version && last.pods === facts) return last;
    const seen = new Map<string, SeenInterface>();
    for (const { bridge, interfaces } of snapshot.ports.values()) {
      for (const row of interfaces) seen.set(row.name, { bridge, row });
    }
    const attachments = this.#attachmentRows(seen, facts);
    return { snapshot, version, pods: facts, ports: this.#portRows(seen), attachments };
  }

  #portRows(seen: ReadonlyMap<string, SeenInterface>): readonly StatsRow[] {
    const rows: StatsRow[] = [];
    for (const [name, { bridge, row }] of seen) {
      const reading = this.#parts.counters.reading(name);
      if (reading === undefined) continue;
      const counted = reading.uuid === row.uuid ? reading : notCounted;
      rows.push({
        key: `port/${name}`,
        kind: 'port',
        name,
        bridge,
        interface: name,
        wallMs: reading.wallMs,
        received: counted.received,
        sent: counted.sent,
      });
    }
    return rows;
  }

  /** A pod's network whose representor is not plugged has no counters: the device may be somebody else's by now. */
  #attachmentRows(seen: ReadonlyMap<string, SeenInterface>, pods: readonly PodFacts[]): readonly StatsRow[] {
    const rows = new Map<string, StatsRow>();
    for (const { namespace, name: pod, uid, attachments } of pods) {
      for (const { nadKey, device, isPlugged } of attachments) {
        const found = device === undefined || !isPlugged ? undefined : seen.get(device);
        if (device === undefined || found === undefined || !isOfPod(found.row, uid)) continue;
        const reading = this.#parts.counters.reading(device);
        if (reading === undefined) continue;
        const name = `${namespace}/${pod}`;
        const key = `attachment/${name}/${nadKey}`;
        const counted = reading.uuid === found.row.uuid ? reading.plugged : undefined;
        const { received, sent } = counted ?? notCounted;
        rows.set(key, {
          key,
          kind: 'attachment',
          name,
          bridge: found.bridge,
          interface: device,
          attachment: { namespace, pod, network: nadKey, podUid: uid },
          countedSinceWallMs: counted?.sinceWallMs,
          wallMs: reading.wallMs,
          received,
          sent,
        });
      }
    }
    return [...rows.values()];
  }

  /** One question at a time, shared by all; it ends by itself, so who gives up leaves it to the others. */
  #look(chains: readonly ChainView[]): Promise<Looked> {
    const { clock, chainCounters } = this.#parts;
    if (this.#looked !== undefined && clock.nowMs() - this.#looked.nowMs < lookFreshMs) {
      return Promise.resolve(this.#looked);
    }
    this.#looking ??= chainCounters
      .look(chains)
      .then((look) => {
        this.#looked = { nowMs: clock.nowMs(), problems: look.problems, bridges: this.#merge(chains, look) };
        return this.#looked;
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** What each bridge of a chain has told last. */
  #merge(chains: readonly ChainView[], { wallMs, bridges }: ChainLook): ReadonlyMap<string, ToldBridge> {
    const told = new Map<string, ToldBridge>();
    for (const { intent } of chains) {
      const seen = bridges.get(intent.bridge);
      const last = seen === undefined ? this.#looked?.bridges.get(intent.bridge) : { wallMs, seen };
      if (last !== undefined) told.set(intent.bridge, last);
    }
    return told;
  }
}

/** What came out, or the end of the caller's patience. */
function patience<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new AgentError('ABORTED', 'the question was withdrawn', { cause: signal.reason }));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** @param names of chains or of their ports; empty: all */
function chainRows(chain: ChainView, { bridges }: Looked, names: ReadonlySet<string>): readonly StatsRow[] {
  const { bridge, name } = chain.intent;
  const isWhole = names.size === 0 || names.has(name);
  const told = bridges.get(bridge);
  if (told === undefined) return [];
  return chain.switches.flatMap((entry) =>
    entry.ports.flatMap((port) => {
      const counted = countChainPort(entry, port, told.seen);
      if (counted === undefined || !(isWhole || names.has(port.key))) return [];
      const row: StatsRow = {
        key: `chain/${port.key}`,
        kind: 'chainPort',
        name: port.key,
        bridge,
        interface: port.interface ?? '',
        wallMs: told.wallMs,
        ...counted,
      };
      return [row];
    }),
  );
}
