/**
 * Hardware offload for those who show it: what the database allows to say of the engine and of each object, and what the
 * supervisor measured. Datapaths come from the loops' reading of the database, devices of pods from the loop of the pods.
 * Without a supervisor nothing is ever said to be in hardware.
 */

import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainView } from '../chain/chain-view.js';
import type { AttributedRow, Attribution } from '../offload/attribute.js';
import type { EngineView } from '../offload/engine-state.js';
import { addTallies } from '../offload/flow-summary.js';
import { judgeObject, judgeStatus, type OffloadRoot } from '../offload/judge-offload.js';
import type { OffloadEngine, OffloadJudgement } from '../offload/offload.js';
import type {
  OffloadMeasured,
  OffloadOverview,
  OffloadPortView,
  OffloadRow,
  OffloadSource,
  OffloadSupervision,
  SoftwareFlowsAnswer,
  SoftwareFlowsQuestion,
} from './api-view.js';
import { offloadPortView, type OffloadPortFacts } from './offload-port-view.js';
import type { StoreSnapshot, SwitchStore, Unsubscribe } from './ports.js';

/** What the supervisor has found out. */
export interface OffloadEvidence {
  /** Of the newest look. */
  evidence(): Pick<Attribution, 'interface' | 'chain' | 'row'>;
  /** Undefined: not known yet. */
  engine(): EngineView | undefined;
  isInEffect(): { readonly value: boolean | undefined; readonly basis: string };
  waiting(): string | undefined;
  /** Undefined before the first look. */
  supervision(): OffloadSupervision | undefined;
  softwareFlows(question: SoftwareFlowsQuestion, signal: AbortSignal): Promise<SoftwareFlowsAnswer>;
  watch(): Unsubscribe;
  /** What is known of the ports of a datapath of that type. Default: nothing. */
  portFacts?(datapathType: string): OffloadPortFacts;
}

export interface OffloadDeskParts {
  readonly store: Pick<SwitchStore, 'snapshot'>;
  readonly pods: () => readonly PodFacts[];
  /** The chains in force. */
  readonly chains: () => readonly ChainView[];
  /** Undefined: nobody supervises. */
  readonly supervisor?: OffloadEvidence | undefined;
}

interface Seen {
  readonly snapshot: StoreSnapshot;
  readonly pods: readonly PodFacts[];
  readonly chains: readonly ChainView[];
}

/** What the rows of one moment are made from. */
interface Moment {
  readonly snapshot: StoreSnapshot;
  readonly root: OffloadRoot;
  readonly evidence: ReturnType<OffloadEvidence['evidence']> | undefined;
  /** datapath_type by interface. */
  readonly datapaths: ReadonlyMap<string, string>;
  readonly isInEffect: boolean | undefined;
  readonly port: (name: string) => OffloadPortView;
}

const notReadable = 'The database of Open vSwitch is not readable now: the rows are those of before.';
const notSupervised = 'offload.mode is off: nobody looks at the flows.';

export class OffloadDesk implements OffloadSource {
  readonly #parts: OffloadDeskParts;
  /** What the database and the loops said last. */
  #seen: Seen | undefined;

  constructor(parts: OffloadDeskParts) {
    this.#parts = parts;
  }

  status(): OffloadOverview {
    const { store, supervisor } = this.#parts;
    const snapshot = store.snapshot();
    const types = snapshot === undefined ? [] : [...snapshot.bridges.values()].map((bridge) => bridge.datapathType);
    const status = judgeStatus(types, snapshot?.root);
    const inEffect = supervisor?.isInEffect() ?? { value: undefined, basis: notSupervised };
    return {
      ...status,
      engine: engineIn(status.engine, snapshot === undefined ? undefined : supervisor?.engine()),
      engineBasis: supervisor?.engine()?.basis ?? [],
      isInEffect: inEffect.value,
      inEffectBasis: inEffect.basis,
      waiting: supervisor?.waiting(),
      supervision: supervisor?.supervision(),
    };
  }

  /**
   * While the database cannot be read, the rows are those of before, for nothing is known to have gone; what is said of them is
   * of now, as far as it is measured at all.
   */
  rows(): readonly OffloadRow[] {
    const snapshot = this.#parts.store.snapshot();
    if (snapshot !== undefined) this.#seen = { snapshot, pods: this.#parts.pods(), chains: this.#parts.chains() };
    return this.#seen === undefined ? [] : this.#makeRows(this.#seen);
  }

  problems(): readonly string[] {
    return this.#parts.store.snapshot() === undefined ? [notReadable] : [];
  }

  softwareFlows(question: SoftwareFlowsQuestion, signal: AbortSignal): Promise<SoftwareFlowsAnswer> {
    const { supervisor } = this.#parts;
    if (supervisor !== undefined) return supervisor.softwareFlows(question, signal);
    return Promise.resolve({ wallMs: undefined, cost: undefined, flows: [], problems: [notSupervised] });
  }

  watch(): Unsubscribe {
    return this.#parts.supervisor?.watch() ?? ((): void => undefined);
  }

  #makeRows({ snapshot, pods, chains }: Seen): readonly OffloadRow[] {
    const { supervisor } = this.#parts;
    const datapaths = new Map<string, string>();
    const types = new Map<string, string>();
    for (const { bridge, interfaces } of snapshot.ports.values()) {
      const datapathType = snapshot.bridges.get(bridge)?.datapathType;
      if (datapathType === undefined) continue;
      for (const { name, type } of interfaces) {
        datapaths.set(name, datapathType);
        types.set(name, type);
      }
    }
    const isInEffect = supervisor?.isInEffect().value;
    const port = portViews(datapaths, types, supervisor);
    const moment = { snapshot, root: snapshot.root, evidence: supervisor?.evidence(), datapaths, isInEffect, port };
    return [
      ...portRows(moment),
      ...pods.flatMap((pod) => attachmentRows(pod, moment)),
      ...chains.map((chain) => chainRow(chain, moment)),
    ];
  }
}

/** The bridges tell; of bridges of several kinds the machine's engine is the one that counts, if it could be told. */
function engineIn(ofBridges: OffloadEngine, view: EngineView | undefined): OffloadEngine {
  if (ofBridges !== 'none' || view === undefined) return ofBridges;
  return view.kind === 'doca' || view.kind === 'dpdk' || view.kind === 'tc' ? view.kind : ofBridges;
}

/** Looks at each port once, however many rows name it. */
function portViews(
  datapaths: ReadonlyMap<string, string>,
  types: ReadonlyMap<string, string>,
  supervisor: OffloadEvidence | undefined,
): Moment['port'] {
  const facts = new Map<string, OffloadPortFacts | undefined>();
  const views = new Map<string, OffloadPortView>();
  return (name) => {
    const before = views.get(name);
    if (before !== undefined) return before;
    // As OVS takes an empty datapath_type (ovs-vswitchd.conf.db(5)).
    const datapathType = datapaths.get(name) === '' ? 'system' : datapaths.get(name);
    if (datapathType !== undefined && !facts.has(datapathType)) {
      facts.set(datapathType, supervisor?.portFacts?.(datapathType));
    }
    const known = datapathType === undefined ? undefined : facts.get(datapathType);
    const view = offloadPortView(name, types.get(name), known);
    views.set(name, view);
    return view;
  };
}

function judgeInterface(name: string | undefined, moment: Moment): OffloadJudgement {
  const { datapaths, evidence, root, isInEffect } = moment;
  if (name === undefined) return judgeObject({ datapathType: undefined }, root);
  return judgeObject({ datapathType: datapaths.get(name), measured: evidence?.interface(name), isInEffect }, root);
}

function measuredOf(row: AttributedRow | undefined): OffloadMeasured | undefined {
  if (row === undefined) return undefined;
  const { source, hardwareShare, counters, carried, flows, reasons, ports, sharedWith } = row;
  return {
    source,
    hardwareShare,
    counters:
      counters?.kind === 'ratio'
        ? {
            hardwarePackets: counters.hardwarePackets,
            softwarePackets: counters.softwarePackets,
            spanMs: counters.spanMs,
          }
        : undefined,
    seen: carried,
    flows:
      flows === undefined
        ? undefined
        : {
            hardware: flows.hardware,
            software: flows.software,
            apart: addTallies(flows.control, flows.warmUp),
          },
    reasons,
    ports,
    sharedWith,
  };
}

function portRows(moment: Moment): readonly OffloadRow[] {
  return [...moment.datapaths.keys()].map((name) => ({
    key: `port/${name}`,
    kind: 'port',
    name,
    interface: name,
    ...judgeInterface(name, moment),
    measured: measuredOf(moment.evidence?.row(`port/${name}`)),
    ports: [moment.port(name)],
  }));
}

function attachmentRows({ namespace, name: pod, attachments }: PodFacts, moment: Moment): readonly OffloadRow[] {
  const name = `${namespace}/${pod}`;
  return attachments.map(({ nadKey, device, isPlugged }) => {
    const key = `attachment/${name}/${nadKey}`;
    return {
      key,
      kind: 'attachment',
      name,
      interface: device ?? '',
      ...judgeInterface(isPlugged ? device : undefined, moment),
      measured: isPlugged ? measuredOf(moment.evidence?.row(key)) : undefined,
      ports: isPlugged && device !== undefined ? [moment.port(device)] : [],
    };
  });
}

function chainRow({ intent, switches }: ChainView, moment: Moment): OffloadRow {
  const { snapshot, root, evidence, isInEffect, port } = moment;
  const { name, bridge } = intent;
  const key = `chain/${name}`;
  const hasPort = switches.some(({ ports }) => ports.some(({ ofport }) => ofport !== undefined));
  const datapathType = hasPort ? snapshot.bridges.get(bridge)?.datapathType : undefined;
  const judgement = judgeObject({ datapathType, measured: evidence?.chain(name), isInEffect }, root);
  const measured = datapathType === undefined ? undefined : measuredOf(evidence?.row(key));
  return {
    ...{ key, kind: 'chain', name, interface: '', ...judgement, measured },
    ports: (measured?.ports ?? []).map(port),
  };
}
