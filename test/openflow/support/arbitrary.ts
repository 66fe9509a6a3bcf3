/** Random flows that a switch accepts, as typed values: matches with their prerequisites, and actions of every kind. */

import fc from 'fast-check';
import { fields } from '../../../src/openflow/fields.js';
import type { FieldName, FieldValue } from '../../../src/openflow/fields.js';
import type { Action, Instructions, LearnSpec } from '../../../src/openflow/actions.js';
import type { FlowMod } from '../../../src/openflow/flow.js';
import { match } from '../../../src/openflow/match.js';
import type { MatchInput } from '../../../src/openflow/match.js';

type Inputs = Partial<Record<FieldName, MatchInput>>;

/** A value of a field, with its top bits cut to its width. */
function valueOf(name: FieldName): fc.Arbitrary<FieldValue> {
  const { bits, isBig } = fields[name];
  return isBig ? fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }) : fc.integer({ min: 0, max: 2 ** bits - 1 });
}

/** A value, or one with a mask if the field can have one. */
function inputOf(name: FieldName): fc.Arbitrary<MatchInput> {
  if (!fields[name].isMaskable) return valueOf(name);
  const masked = fc.record({ value: valueOf(name), mask: valueOf(name) });
  return fc.oneof(valueOf(name), masked);
}

/** Some of these fields. */
function someOf(names: readonly FieldName[]): fc.Arbitrary<Inputs> {
  const entries = names.map((name) => [name, inputOf(name)] as const);
  return fc.record(Object.fromEntries(entries), { requiredKeys: [] });
}

const always = someOf([
  'eth_src',
  'eth_dst',
  'metadata',
  'tun_id',
  'tun_src',
  'tun_dst',
  'tun_ipv6_src',
  'pkt_mark',
  'ct_mark',
  'ct_zone',
  'ct_label',
  'conj_id',
  ...Array.from({ length: 16 }, (_, index) => `reg${index}` as FieldName),
]);

const vlan = fc.oneof(
  fc.constant<Inputs>({}),
  fc.integer({ min: 0, max: 4095 }).map((id): Inputs => ({ vlan_vid: 0x1000 | id })),
  fc
    .tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 7 }))
    .map(([id, pcp]): Inputs => ({ vlan_vid: 0x1000 | id, vlan_pcp: pcp })),
);

const transports: readonly (readonly [number, readonly FieldName[]])[] = [
  [6, ['tcp_src', 'tcp_dst', 'tcp_flags']],
  [17, ['udp_src', 'udp_dst']],
  [132, ['sctp_src', 'sctp_dst']],
  [47, []],
];
const transport = fc
  .constantFrom(...transports)
  .chain(([protocol, names]) => someOf(names).map((inputs): Inputs => ({ nw_proto: protocol, ...inputs })));

const ipCommon = someOf(['ip_dscp', 'nw_ecn', 'nw_ttl']);
const network: fc.Arbitrary<Inputs> = fc.oneof(
  fc.constant<Inputs>({}),
  fc.constant<Inputs>({ eth_type: 0x88cc }),
  merged(fc.constant<Inputs>({ eth_type: 0x0800 }), someOf(['ip_src', 'ip_dst']), ipCommon, transport),
  merged(fc.constant<Inputs>({ eth_type: 0x86dd }), someOf(['ipv6_src', 'ipv6_dst']), ipCommon, transport),
  merged(fc.constant<Inputs>({ eth_type: 0x0806, arp_op: 1 }), someOf(['arp_spa', 'arp_tpa', 'arp_sha', 'arp_tha'])),
  merged(fc.constant<Inputs>({ eth_type: 0x0800, nw_proto: 1 }), someOf(['icmp_type', 'icmp_code'])),
);

function merged(...parts: readonly fc.Arbitrary<Inputs>[]): fc.Arbitrary<Inputs> {
  return fc.tuple(...parts).map((inputs) => Object.assign({}, ...inputs) as Inputs);
}

export const matchInputs: fc.Arbitrary<Inputs> = merged(
  fc.oneof(
    fc.constant<Inputs>({}),
    fc.integer({ min: 1, max: 0xfeff }).map((number): Inputs => ({ in_port: number })),
  ),
  always,
  vlan,
  network,
);

const registers = Array.from({ length: 16 }, (_, index) => `reg${index}` as FieldName);
const writable: readonly FieldName[] = ['eth_src', 'eth_dst', 'metadata', 'tun_id', 'pkt_mark', ...registers];

const subfield = fc.tuple(fc.constantFrom(...registers), fc.nat(31), fc.nat(31)).map(([field, first, second]) => {
  const offset = Math.min(first, second);
  return { field, offset, bits: Math.max(first, second) - offset + 1 };
});

const portNumber = fc.integer({ min: 1, max: 100 });

const setField: fc.Arbitrary<Action> = fc
  .constantFrom(...writable)
  .chain((field) => valueOf(field).map((value) => ({ kind: 'set_field', field, value })));

/** A mask of some bits at least, and a value inside it. */
const maskedSetField: fc.Arbitrary<Action> = fc
  .tuple(fc.constantFrom(...registers), fc.integer({ min: 1, max: 0xffff_fffe }), fc.nat(0xffff_ffff))
  .map(([field, mask, value]) => ({ kind: 'set_field', field, value: (value & mask) >>> 0, mask }));

const load: fc.Arbitrary<Action> = fc
  .tuple(subfield, fc.bigInt({ min: 0n, max: 0xffff_ffffn }))
  .map(([dst, value]) => ({ kind: 'load', dst, value: value & ((1n << BigInt(dst.bits)) - 1n) }));

const move: fc.Arbitrary<Action> = fc
  .tuple(subfield, fc.constantFrom(...registers))
  .map(([src, field]) => ({ kind: 'move', src, dst: { ...src, field } }));

const learnSpec: fc.Arbitrary<LearnSpec> = fc.oneof(
  fc.constant<LearnSpec>({ kind: 'output', src: { field: 'nxm_in_port', offset: 0, bits: 16 } }),
  subfield.map((part): LearnSpec => ({ kind: 'load', src: part, dst: { ...part, field: 'reg1' } })),
  subfield.map((part): LearnSpec => ({ kind: 'load', src: { value: 1n }, dst: part })),
  fc.constant<LearnSpec>({
    kind: 'match',
    src: { field: 'eth_src', offset: 0, bits: 48 },
    dst: { field: 'eth_dst', offset: 0, bits: 48 },
  }),
);

const learn: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('learn' as const),
  table: fc.integer({ min: 1, max: 200 }),
  idleTimeout: fc.nat(100),
  hardTimeout: fc.nat(100),
  finIdleTimeout: fc.constant(0),
  finHardTimeout: fc.constant(0),
  priority: fc.nat(0xffff),
  cookie: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen }),
  flags: fc.nat(3),
  limit: fc.nat(5),
  specs: fc.array(learnSpec, { maxLength: 4 }),
});

const controller: fc.Arbitrary<Action> = fc
  .record({
    maxLength: fc.nat(0xffff),
    controllerId: fc.nat(5),
    userdata: fc.uint8Array({ minLength: 1, maxLength: 9 }),
  })
  .map((options) => ({ kind: 'controller', reason: 1, ...options }));

const simple: fc.Arbitrary<Action> = fc.oneof(
  portNumber.map((number): Action => ({ kind: 'output', port: number })),
  fc.tuple(portNumber, fc.nat(200)).map(([number, table]): Action => ({ kind: 'resubmit', port: number, table })),
  fc.nat(200).map((table): Action => ({ kind: 'resubmit', table })),
  subfield.map((src): Action => ({ kind: 'output_reg', src, maxLength: 0xffff })),
  subfield.map((src): Action => ({ kind: 'push', src })),
  subfield.map((dst): Action => ({ kind: 'pop', dst })),
  fc.constant<Action>({ kind: 'exit' }),
  fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes): Action => ({ kind: 'note', bytes })),
  fc.nat(0xffff).map((length): Action => ({
    kind: 'check_pkt_larger',
    length,
    dst: { field: 'reg0', offset: length % 32, bits: 1 },
  })),
);

const { action } = fc.letrec<{ action: Action }>((tie) => ({
  action: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    simple,
    setField,
    maskedSetField,
    load,
    move,
    learn,
    controller,
    fc.array(tie('action'), { minLength: 1, maxLength: 2 }).map((actions): Action => ({ kind: 'clone', actions })),
  ),
}));

const instructions: fc.Arbitrary<Instructions> = fc.record(
  {
    apply: fc.array(action, { minLength: 1, maxLength: 4 }),
    write: fc.array(fc.constantFrom<Action>({ kind: 'output', port: 5 }), { minLength: 1, maxLength: 1 }),
    metadata: fc.record({ value: fc.bigInt({ min: 1n, max: 0xffff_ffffn }) }),
    goto: fc.integer({ min: 201, max: 250 }),
  },
  { requiredKeys: [] },
);

/** A flow that can be added in every version. */
export const flowMod: fc.Arbitrary<FlowMod> = fc.record({
  command: fc.constant('add' as const),
  table: fc.integer({ min: 0, max: 200 }),
  priority: fc.integer({ min: 0, max: 0xffff }),
  cookie: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen }),
  idleTimeout: fc.constantFrom(0, 300),
  hardTimeout: fc.constantFrom(0, 600),
  flags: fc.constantFrom(0, 1, 8),
  match: matchInputs.map(match),
  instructions,
});
