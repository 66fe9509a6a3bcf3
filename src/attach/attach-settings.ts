/** What the configuration says of attachments, as the pure part takes it. Types only. */

export type EvidenceRule = 'require' | 'report' | 'ignore';

/** VFs of the host. */
export interface VfPool {
  /** Undefined: of every PF. */
  readonly pf: number | undefined;
  /** Undefined: all of them. */
  readonly vfs: ReadonlySet<number> | undefined;
}

export interface AttachSettings {
  /** Value of the owner mark of the rows (`podsMark`). */
  readonly mark: string;
  readonly bridge: string;
  /** Bytes, of the default network and of those that name none; undefined: the MTU is left alone. */
  readonly mtu: number | undefined;
  readonly ovnInstalled: 'require' | 'ignore';
  readonly functionMac: EvidenceRule;
  /** Undefined: every VF of the host that is not reserved. */
  readonly pools: readonly VfPool[] | undefined;
  readonly reserved: readonly VfPool[];
  /** Extended resources of which a pod must ask for one; undefined: it need not. */
  readonly resourceNames: readonly string[] | undefined;
}
