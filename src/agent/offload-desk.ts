/**
 * Hardware offload for those who show it: what the database allows to say of the engine and of each object. Datapaths come
 * from the loops' reading of the database, devices of pods from the loop of the pods. The flows are looked at by
 * `OffloadEvidence`, where there is one; without it nothing is ever said to be in hardware.
 */

import type { PodFacts } from '../attach/attachment-view.js';
import type { ChainView } from '../chain/chain-view.js';
import { judgeObject, judgeStatus, type OffloadRoot } from '../offload/judge-offload.js';
import type { OffloadJudgement } from '../offload/offload.js';
import type { OffloadRow, OffloadSource, OffloadStatus } from './api-view.js';
import type { StoreSnapshot, SwitchStore } from './ports.js';

/** What flows were seen to prove; undefined: they were not looked at. */
export interface OffloadEvidence {
  interface(name: string): OffloadJudgement | undefined;
  chain(name: string): OffloadJudgement | undefined;
}

export interface OffloadDeskParts {
  readonly store: Pick<SwitchStore, 'snapshot'>;
  readonly pods: () => readonly PodFacts[];
  /** The chains in force. */
  readonly chains: () => readonly ChainView[];
  readonly evidence?: OffloadEvidence;
}

/** What the rows of one moment are made from. */
interface Moment {
  readonly snapshot: StoreSnapshot;
  readonly root: OffloadRoot;
  readonly evidence: OffloadEvidence | undefined;
  /** datapath_type by interface. */
  readonly datapaths: ReadonlyMap<string, string>;
}

const notReadable = 'The database of Open vSwitch is not readable now: the rows are those of before.';

export class OffloadDesk implements OffloadSource {
  readonly #parts: OffloadDeskParts;
  #rows: readonly OffloadRow[] = [];

  constructor(parts: OffloadDeskParts) {
    this.#parts = parts;
  }

  status(): OffloadStatus {
    const snapshot = this.#parts.store.snapshot();
    const types = snapshot === undefined ? [] : [...snapshot.bridges.values()].map((bridge) => bridge.datapathType);
    return judgeStatus(types, snapshot?.root);
  }

  /** While the database cannot be read, the rows are as they were: nothing is known to have gone. */
  rows(): readonly OffloadRow[] {
    const snapshot = this.#parts.store.snapshot();
    if (snapshot !== undefined) this.#rows = this.#makeRows(snapshot);
    return this.#rows;
  }

  problems(): readonly string[] {
    return this.#parts.store.snapshot() === undefined ? [notReadable] : [];
  }

  #makeRows(snapshot: StoreSnapshot): readonly OffloadRow[] {
    const { pods, chains, evidence } = this.#parts;
    const datapaths = new Map<string, string>();
    for (const { bridge, interfaces } of snapshot.ports.values()) {
      const type = snapshot.bridges.get(bridge)?.datapathType;
      if (type === undefined) continue;
      for (const { name } of interfaces) datapaths.set(name, type);
    }
    const moment = { snapshot, root: snapshot.root, evidence, datapaths };
    return [
      ...portRows(moment),
      ...pods().flatMap((pod) => attachmentRows(pod, moment)),
      ...chains().map((chain) => chainRow(chain, moment)),
    ];
  }
}

function judgeInterface(name: string | undefined, { datapaths, evidence, root }: Moment): OffloadJudgement {
  if (name === undefined) return judgeObject({ datapathType: undefined }, root);
  return judgeObject({ datapathType: datapaths.get(name), measured: evidence?.interface(name) }, root);
}

function portRows(moment: Moment): readonly OffloadRow[] {
  return [...moment.datapaths.keys()].map((name) => ({
    key: `port/${name}`,
    kind: 'port',
    name,
    interface: name,
    ...judgeInterface(name, moment),
  }));
}

function attachmentRows({ namespace, name: pod, attachments }: PodFacts, moment: Moment): readonly OffloadRow[] {
  const name = `${namespace}/${pod}`;
  return attachments.map(({ nadKey, device, isPlugged }) => ({
    key: `attachment/${name}/${nadKey}`,
    kind: 'attachment',
    name,
    interface: device ?? '',
    ...judgeInterface(isPlugged ? device : undefined, moment),
  }));
}

function chainRow({ intent, switches }: ChainView, { snapshot, root, evidence }: Moment): OffloadRow {
  const { name, bridge } = intent;
  const hasPort = switches.some(({ ports }) => ports.some(({ ofport }) => ofport !== undefined));
  const datapathType = hasPort ? snapshot.bridges.get(bridge)?.datapathType : undefined;
  const judgement = judgeObject({ datapathType, measured: evidence?.chain(name) }, root);
  return { key: `chain/${name}`, kind: 'chain', name, interface: '', ...judgement };
}
