/**
 * Actions and instructions as typed values. Used by the codec, the text forms and everybody who builds flows. Names are
 * those of ovs-actions(7); an action that is not listed here travels as raw bytes and is never lost or changed.
 */

import type { FieldName, FieldValue, Subfield } from './fields.js';

/** Reserved port numbers, OpenFlow 1.5.1 section 7.2.1. */
export const port = {
  /** The highest number of a real port. */
  max: 0xffff_ff00,
  unset: 0xffff_fff7,
  inPort: 0xffff_fff8,
  table: 0xffff_fff9,
  normal: 0xffff_fffa,
  flood: 0xffff_fffb,
  all: 0xffff_fffc,
  controller: 0xffff_fffd,
  local: 0xffff_fffe,
  any: 0xffff_ffff,
} as const;

/** Any group. */
export const groupAny = 0xffff_ffff;
/** Every table, in requests and deletions. */
export const tableAll = 0xff;

/** Sends the packet out of a port. `maxLength` counts only for the controller: bytes of the packet to send. */
export interface OutputAction {
  readonly kind: 'output';
  readonly port: number;
  readonly maxLength?: number | undefined;
}

/** Sends the packet to a controller, with what `output` cannot say. */
export interface ControllerAction {
  readonly kind: 'controller';
  /** Bytes of the packet, default 65535: all. */
  readonly maxLength?: number | undefined;
  /** Which controller connection, default 0. */
  readonly controllerId?: number | undefined;
  /** `ofp_packet_in_reason`, default 1 (action). */
  readonly reason?: number | undefined;
  readonly userdata?: Uint8Array | undefined;
  readonly pause?: boolean | undefined;
  readonly meter?: number | undefined;
}

export interface SetFieldAction {
  readonly kind: 'set_field';
  readonly field: FieldName;
  readonly value: FieldValue;
  /** Only these bits are set. Below OpenFlow 1.5 a mask leaves as `load` actions, one for each run of bits. */
  readonly mask?: FieldValue | undefined;
}

/** Nicira's way to set bits of a field; in OpenFlow 1.5 it leaves as a masked `set_field`. */
export interface LoadAction {
  readonly kind: 'load';
  readonly value: bigint;
  readonly dst: Subfield;
}

export interface MoveAction {
  readonly kind: 'move';
  readonly src: Subfield;
  readonly dst: Subfield;
}

/** Looks the packet up again. Without a port it keeps its own, without a table the current one is searched. */
export interface ResubmitAction {
  readonly kind: 'resubmit';
  readonly port?: number | undefined;
  readonly table?: number | undefined;
  /** Search with the addresses of the connection's original direction. */
  readonly withCt?: boolean | undefined;
}

export interface OutputRegAction {
  readonly kind: 'output_reg';
  readonly src: Subfield;
  readonly maxLength: number;
}

/** What a learned flow gets from one part of a `learn` action. */
export type LearnSpec =
  | { readonly kind: 'match'; readonly src: Subfield | LearnImmediate; readonly dst: Subfield }
  | { readonly kind: 'load'; readonly src: Subfield | LearnImmediate; readonly dst: Subfield }
  | { readonly kind: 'output'; readonly src: Subfield };

/** A constant of a `learn` action, as wide as its destination. */
export interface LearnImmediate {
  readonly value: bigint;
}

export interface LearnAction {
  readonly kind: 'learn';
  readonly table: number;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly finIdleTimeout: number;
  readonly finHardTimeout: number;
  readonly priority: number;
  readonly cookie: bigint;
  /** 1 send_flow_rem, 2 delete_learned, 4 write the result. */
  readonly flags: number;
  /** At most so many learned flows; 0 is no limit. */
  readonly limit: number;
  /** The bit that says whether learning worked, when flag 4 is set. */
  readonly resultDst?: Subfield | undefined;
  readonly specs: readonly LearnSpec[];
}

export interface CtAction {
  readonly kind: 'ct';
  readonly commit?: boolean | undefined;
  readonly force?: boolean | undefined;
  /** Zone as a number or from a field. Default 0. */
  readonly zone?: number | Subfield | undefined;
  /** Where the packet goes on after tracking. */
  readonly table?: number | undefined;
  /** Well-known port of the protocol helper: 21 is FTP, 69 TFTP. */
  readonly alg?: number | undefined;
  /** `nat` comes first where it is used. */
  readonly actions: readonly Action[];
}

/** Address translation inside `ct`. Without `type` it applies the translation that the connection already has. */
export interface NatAction {
  readonly kind: 'nat';
  readonly type?: 'src' | 'dst' | undefined;
  readonly persistent?: boolean | undefined;
  readonly hash?: boolean | undefined;
  readonly random?: boolean | undefined;
  readonly ipv4?: { readonly min: number; readonly max?: number | undefined } | undefined;
  readonly ipv6?: { readonly min: bigint; readonly max?: bigint | undefined } | undefined;
  readonly ports?: { readonly min: number; readonly max?: number | undefined } | undefined;
}

export interface SampleAction {
  readonly kind: 'sample';
  /** Out of 65535 packets. */
  readonly probability: number;
  readonly collectorSetId: number;
  readonly domainId: number;
  readonly pointId: number;
  readonly samplingPort?: number | undefined;
  readonly direction?: 'ingress' | 'egress' | undefined;
}

/** An action that is not decoded, header and all, a multiple of eight bytes. */
export interface RawAction {
  readonly kind: 'raw';
  readonly bytes: Uint8Array;
}

export type Action =
  | OutputAction
  | ControllerAction
  | SetFieldAction
  | LoadAction
  | MoveAction
  | ResubmitAction
  | OutputRegAction
  | LearnAction
  | CtAction
  | NatAction
  | SampleAction
  | RawAction
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'set_queue'; readonly queue: number }
  | { readonly kind: 'pop_queue' }
  | { readonly kind: 'push_vlan'; readonly ethertype: number }
  | { readonly kind: 'pop_vlan' }
  | { readonly kind: 'push_mpls'; readonly ethertype: number }
  | { readonly kind: 'pop_mpls'; readonly ethertype: number }
  | { readonly kind: 'set_mpls_ttl'; readonly ttl: number }
  | { readonly kind: 'dec_mpls_ttl' }
  | { readonly kind: 'set_nw_ttl'; readonly ttl: number }
  | { readonly kind: 'dec_ttl'; readonly controllerIds?: readonly number[] | undefined }
  | { readonly kind: 'dec_nsh_ttl' }
  | { readonly kind: 'meter'; readonly meter: number }
  | {
      readonly kind: 'conjunction';
      readonly id: number;
      /** From 1. */ readonly clause: number;
      readonly clauses: number;
    }
  | { readonly kind: 'ct_clear' }
  | { readonly kind: 'clone'; readonly actions: readonly Action[] }
  | { readonly kind: 'note'; readonly bytes: Uint8Array }
  | { readonly kind: 'exit' }
  | { readonly kind: 'push'; readonly src: Subfield }
  | { readonly kind: 'pop'; readonly dst: Subfield }
  | { readonly kind: 'check_pkt_larger'; readonly length: number; readonly dst: Subfield }
  | { readonly kind: 'fin_timeout'; readonly idleTimeout: number; readonly hardTimeout: number }
  | { readonly kind: 'output_trunc'; readonly port: number; readonly maxLength: number }
  | { readonly kind: 'delete_field'; readonly field: FieldName };

export type ActionKind = Action['kind'];

/** What a flow does. No instruction at all, as well as an empty `apply`, drops the packet. */
export interface Instructions {
  /** Below 1.5 an instruction; in 1.5 it leaves as the first action of `apply`. */
  readonly meter?: number | undefined;
  readonly apply?: readonly Action[] | undefined;
  readonly clear?: boolean | undefined;
  readonly write?: readonly Action[] | undefined;
  readonly metadata?: { readonly value: bigint; readonly mask?: bigint | undefined } | undefined;
  readonly goto?: number | undefined;
  /** Instructions that are not decoded, header and all. */
  readonly raw?: readonly Uint8Array[] | undefined;
}

/** Instructions that apply these actions. */
export function apply(...actions: readonly Action[]): Instructions {
  return actions.length === 0 ? {} : { apply: actions };
}
