/**
 * The few OpenFlow words that patch panels need, as values: match, actions and flow of the planner. Independent of the
 * OpenFlow client, which knows far more; an adapter translates. Their text is in `flow-text.ts`.
 */

/** Registers that the pipeline uses, 32 bits each. They end at the border of a bridge and never reach the hardware. */
export type RegisterName = 'reg0' | 'reg1';

/** A value with the bits of it that count; without a mask all do. */
export interface Masked<T> {
  readonly value: T;
  readonly mask?: T | undefined;
}

/** VLAN header of a frame: none at all, one with this number, or the 12 number bits alone (0 also where there is none). */
export type VlanMatch =
  | { readonly kind: 'untagged' }
  | { readonly kind: 'tag'; readonly vid: number }
  | { readonly kind: 'vidBits'; readonly vid: number };

/** What a flow looks at; what is absent is not looked at. */
export interface FlowMatch {
  readonly inPort?: number | undefined;
  readonly metadata?: bigint | undefined;
  readonly reg0?: number | undefined;
  readonly reg1?: number | undefined;
  readonly vlan?: VlanMatch | undefined;
  /** Lower case with colons. */
  readonly ethSrc?: Masked<string> | undefined;
  readonly ethDst?: Masked<string> | undefined;
  /** What this vocabulary has no word for, as ovs-ofctl spells it. Only in observed flows. */
  readonly other?: string | undefined;
}

/** Part of a field, in the sources and destinations of `learn`. */
export interface FieldPart {
  readonly field: 'inPort' | 'metadata' | 'ethSrc' | 'ethDst' | 'vlanTci' | RegisterName;
  /** Lowest bit. */
  readonly offset: number;
  readonly bits: number;
}

export interface LearnPart {
  /** Whether the learned flow matches `dst` against the packet's `src`, or loads it into `dst`. */
  readonly kind: 'match' | 'load';
  readonly src: FieldPart;
  readonly dst: FieldPart;
}

/** Installs a flow made from the packet; as each frame passes, its hard timeout starts anew. */
export interface LearnAction {
  readonly kind: 'learn';
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  /** Seconds. */
  readonly hardTimeout: number;
  /** Most flows with this cookie in the table; further ones are not learned. 0: no limit. */
  readonly limit: number;
  readonly parts: readonly LearnPart[];
}

export type FlowAction =
  | { readonly kind: 'output'; readonly port: number }
  | { readonly kind: 'pushVlan' }
  | { readonly kind: 'popVlan' }
  | { readonly kind: 'setVlan'; readonly vid: number }
  | { readonly kind: 'resubmit'; readonly table: number }
  /** Sets the lowest 16 bits of a register: what a learned flow does. */
  | { readonly kind: 'loadRegister'; readonly register: RegisterName; readonly value: number }
  | LearnAction
  | { readonly kind: 'writeMetadata'; readonly value: bigint }
  | { readonly kind: 'goto'; readonly table: number }
  /** What this vocabulary has no word for, as ovs-ofctl spells it. Only in observed flows. */
  | { readonly kind: 'other'; readonly text: string };

/** One flow. No action at all drops the packet. */
export interface Flow {
  readonly table: number;
  readonly priority: number;
  readonly match: FlowMatch;
  /** In the order in which they take effect; `writeMetadata` and `goto` come last, as instructions do. */
  readonly actions: readonly FlowAction[];
  readonly cookie: bigint;
  /** Seconds; 0: never. */
  readonly idleTimeout: number;
  readonly hardTimeout: number;
}

/** A flow as it was read back from the switch. */
export interface ObservedFlow extends Flow {
  /** Undefined where the switch does not count. */
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
}

/** Where a flow lives: what OpenFlow takes for the same flow (OpenFlow 1.5.1 section 6.4) has the same key. */
export type FlowKey = string;

/** Ports of a switch that a flow may name: 1 to 0xfeff, as Open vSwitch gives them out (ovs-vswitchd.conf.db(5)). */
export const flowPortMax = 0xfeff;
