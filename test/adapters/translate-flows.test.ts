import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSeenFlow, toFlowMod } from '../../src/adapters/translate-flows.js';
import type { FlowChange } from '../../src/chain/plan-flows.js';
import type { FieldPart, Flow, FlowAction, FlowMatch, LearnPart } from '../../src/model/flow.js';
import { formatFlow } from '../../src/model/flow-text.js';
import { parseFlow } from '../../src/openflow/index.js';

const mac = fc
  .bigInt({ min: 0n, max: 2n ** 48n - 1n })
  .map((value) => (value.toString(16).padStart(12, '0').match(/../g) ?? []).join(':'));
const vid = fc.integer({ min: 0, max: 4095 });
/** Bits outside the mask are zero, as the switch has it. */
const masked = fc.oneof(
  mac.map((value) => ({ value, mask: undefined })),
  fc.constant({ value: '01:00:00:00:00:00', mask: '01:00:00:00:00:00' }),
  mac.map((value) => ({ value: `${value.slice(0, 8)}:00:00:00`, mask: 'ff:ff:ff:00:00:00' })),
);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const ofport = fc.integer({ min: 1, max: 0xfeff });
const register = fc.integer({ min: 0, max: 0xffff });

const match: fc.Arbitrary<FlowMatch> = fc.record(
  {
    inPort: ofport,
    metadata: u64,
    reg0: register,
    reg1: register,
    vlan: fc.oneof(
      fc.constant({ kind: 'untagged' as const }),
      vid.map((value) => ({ kind: 'tag' as const, vid: value })),
      vid.map((value) => ({ kind: 'vidBits' as const, vid: value })),
    ),
    ethSrc: masked,
    ethDst: masked,
  },
  { requiredKeys: [] },
);

const widths = { inPort: 16, metadata: 64, ethSrc: 48, ethDst: 48, vlanTci: 12, reg0: 16, reg1: 16 } as const;
const fieldPart = fc
  .constantFrom(...(Object.keys(widths) as (keyof typeof widths)[]))
  .map((field): FieldPart => ({ field, offset: 0, bits: widths[field] }));
const learnPart: fc.Arbitrary<LearnPart> = fc.oneof(
  fieldPart.map((part) => ({ kind: 'match' as const, src: part, dst: part })),
  fc.constant<LearnPart>({
    kind: 'match',
    src: { field: 'ethSrc', offset: 0, bits: 48 },
    dst: { field: 'ethDst', offset: 0, bits: 48 },
  }),
  fc
    .tuple(fc.constantFrom('inPort', 'vlanTci'), fc.constantFrom('reg0', 'reg1'), fc.integer({ min: 0, max: 16 }))
    .map(([from, to, offset]): LearnPart => {
      const bits = widths[from];
      return { kind: 'load', src: { field: from, offset: 0, bits }, dst: { field: to, offset, bits } };
    }),
);
const seconds = fc.integer({ min: 0, max: 0xffff });

const action: fc.Arbitrary<FlowAction> = fc.oneof(
  ofport.map((port) => ({ kind: 'output' as const, port })),
  fc.constant({ kind: 'pushVlan' as const }),
  fc.constant({ kind: 'popVlan' as const }),
  vid.map((value) => ({ kind: 'setVlan' as const, vid: value })),
  fc.integer({ min: 0, max: 254 }).map((table) => ({ kind: 'resubmit' as const, table })),
  fc.record({ kind: fc.constant('loadRegister' as const), register: fc.constantFrom('reg0', 'reg1'), value: register }),
  fc.record({
    kind: fc.constant('learn' as const),
    table: fc.integer({ min: 0, max: 254 }),
    priority: seconds,
    cookie: u64,
    hardTimeout: seconds,
    limit: seconds,
    parts: fc.array(learnPart, { minLength: 1, maxLength: 4 }),
  }),
);

const flow: fc.Arbitrary<Flow> = fc
  .record({
    table: fc.integer({ min: 0, max: 253 }),
    priority: seconds,
    match,
    some: fc.array(action, { maxLength: 5 }),
    metadata: fc.option(u64, { nil: undefined }),
    next: fc.option(fc.integer({ min: 1, max: 254 }), { nil: undefined }),
    cookie: u64,
    idleTimeout: seconds,
    hardTimeout: seconds,
  })
  .map(({ some, metadata, next, ...rest }) => {
    const last: FlowAction[] = [];
    if (metadata !== undefined) last.push({ kind: 'writeMetadata', value: metadata });
    if (next !== undefined) last.push({ kind: 'goto', table: next });
    return { ...rest, actions: [...some, ...last] };
  });

const add = (wanted: Flow): FlowChange => ({ kind: 'add', bridge: 'br', chain: 'c', flow: wanted });

/** As the switch would tell it. */
function seen(change: FlowChange): Flow {
  const mod = toFlowMod(change);
  const { table = 0, priority = 0, cookie = 0n, idleTimeout = 0, hardTimeout = 0, match: fields = [] } = mod;
  const instructions = mod.instructions ?? {};
  return fromSeenFlow({ table, priority, cookie, idleTimeout, hardTimeout, match: fields, instructions });
}

describe('flows between the planner and the client', () => {
  it('come back as they went, whatever the planner can say', () => {
    fc.assert(
      fc.property(flow, (wanted) => {
        expect(formatFlow(seen(add(wanted)))).toBe(formatFlow(wanted));
      }),
    );
  });

  it('are seen as wanted where somebody installs them from the text of the plan', () => {
    fc.assert(
      fc.property(flow, (wanted) => {
        const parsed = parseFlow(formatFlow(wanted));
        const { table = 0, priority = 0, cookie = 0n, idleTimeout = 0, hardTimeout = 0, match: fields = [] } = parsed;
        const instructions = parsed.instructions ?? {};
        const read = fromSeenFlow({ table, priority, cookie, idleTimeout, hardTimeout, match: fields, instructions });
        expect(formatFlow(read)).toBe(formatFlow(wanted));
      }),
    );
  });

  const some: Flow = {
    table: 0,
    priority: 100,
    match: { inPort: 3 },
    actions: [{ kind: 'output', port: 4 }],
    cookie: 0x5cda_0000_0101_0001n,
    idleTimeout: 0,
    hardTimeout: 0,
  };
  const before = { ...some, packets: 1n, bytes: 60n };
  const whole = 2n ** 64n - 1n;

  it.each([
    ['add', { kind: 'add', bridge: 'br', chain: 'c', flow: some }, 'add', undefined],
    ['replace', { kind: 'replace', bridge: 'br', chain: 'c', flow: some, before }, 'add', undefined],
    ['modify', { kind: 'modify', bridge: 'br', chain: 'c', flow: some, before }, 'modify_strict', whole],
    ['delete', { kind: 'delete', bridge: 'br', flow: before, cause: 'unwanted' }, 'delete_strict', whole],
  ] as const)('%s one flow alone, and only under its own cookie', (_name, change, command, mask) => {
    const mod = toFlowMod(change);
    expect(mod).toMatchObject({ command, table: 0, priority: 100, cookie: some.cookie });
    expect(mod.cookieMask).toBe(mask);
  });

  it('delete everything under one cookie in all tables, and nothing under another', () => {
    const mod = toFlowMod({ kind: 'deleteCookie', bridge: 'br', cookie: some.cookie, mask: whole, flows: [] });
    expect(mod).toEqual({ command: 'delete', cookie: some.cookie, cookieMask: whole });
  });

  it.each([
    'tcp,tp_dst=80 actions=drop',
    'reg0=0x1/0xff actions=drop',
    'metadata=0x1/0xf actions=drop',
    'in_port=1 actions=NORMAL,group:3',
    'in_port=1 actions=resubmit(2,3)',
    'in_port=1 actions=learn(table=13,idle_timeout=7,NXM_OF_VLAN_TCI[0..11])',
    'in_port=1 actions=set_field:0x10001->reg0',
    'in_port=1 actions=write_actions(output:2)',
  ])('call strange what the planner has no word for: %s', (text) => {
    const { table = 0, priority = 0, cookie = 0n, match: fields, instructions } = parseFlow(text);
    const read = fromSeenFlow({
      ...{ table, priority, cookie, idleTimeout: 0, hardTimeout: 0 },
      match: fields ?? [],
      instructions: instructions ?? {},
    });
    expect(read.match.other !== undefined || read.actions.some(({ kind }) => kind === 'other')).toBe(true);
  });
});
