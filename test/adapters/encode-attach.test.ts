import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EncodeError } from '../../src/adapters/encode-actions.js';
import { encodeAttach, type AttachSnapshot } from '../../src/adapters/encode-attach.js';
import type { AttachAction } from '../../src/attach/attach-action.js';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { parseSchema, Transaction, type Uuid } from '../../src/ovsdb/index.js';
import { rootRow } from '../fakes/plan-rows.js';
import { attachOf, detachOf, editOf, noEdit, repairOf, rowEdit } from '../fakes/attach-actions.js';

type Json = Readonly<Record<string, unknown>>;

const schemaFile = join(import.meta.dirname, '..', 'fixtures', 'schemas', 'vswitch-8.3.1.ovsschema');
const schemaJson = JSON.parse(readFileSync(schemaFile, 'utf8')) as { tables: Record<string, { columns: Json }> };
const schema = parseSchema(schemaJson as never);
const uuid = (digit: number): Uuid => `00000000-0000-4000-8000-00000000000${digit}` as Uuid;
const marks = new Map([['dpu-agent-owner', 'me/pods']]);
const ref = (digit: number) => ['uuid', uuid(digit)];

const markedQos = new Map([[uuid(3), { uuid: uuid(3), type: '', otherConfig: new Map(), externalIds: marks }]]);

function encode(actions: readonly AttachAction[], on = schema, qos: AttachSnapshot['qos'] = markedQos) {
  const transaction = new Transaction<OpenVswitchDatabase>(on);
  const encoded = encodeAttach(transaction, { root: rootRow({ uuid: uuid(0) }), qos }, actions);
  const sent = transaction.toOperations() as readonly Json[];
  const guards = sent.filter((operation) => operation['op'] === 'wait');
  return { ...encoded, sent: sent.slice(guards.length), guards, blamed: encoded.guards };
}

/** What the guards ask, without their constant parts. */
const asked = (guards: readonly Json[]): readonly unknown[] =>
  guards.map(({ table, where, until, rows, timeout }) => {
    expect([rows, timeout]).toEqual([[], 0]);
    return [until === '!=' ? 'present' : 'absent', table, where];
  });

const ops = (sent: readonly Json[]): readonly string[] => sent.map(({ op, table }) => `${String(op)} ${String(table)}`);
const bumps = [
  { op: 'mutate', table: 'Open_vSwitch', where: [['_uuid', '==', ref(0)]], mutations: [['next_cfg', '+=', 1]] },
];
const rows = { portUuid: uuid(1), interfaceUuid: uuid(2), guard: new Map([['iface-id', 'ns_a']]) };

const rowsGuards = [
  [
    'present',
    'Port',
    [
      ['_uuid', '==', ref(1)],
      ['interfaces', 'includes', ['set', [ref(2)]]],
    ],
  ],
  [
    'present',
    'Interface',
    [
      ['_uuid', '==', ref(2)],
      ['external_ids', 'includes', ['map', [['iface-id', 'ns_a']]]],
    ],
  ],
];
const mark = ['external_ids', 'includes', ['map', [['dpu-agent-owner', 'me/pods']]]];
const limitGuards = [
  [
    'present',
    'Port',
    [
      ['_uuid', '==', ref(1)],
      ['qos', '==', ref(3)],
    ],
  ],
  ['present', 'QoS', [['_uuid', '==', ref(3)], mark]],
];
const noLimitGuard = [
  'present',
  'Port',
  [
    ['_uuid', '==', ref(1)],
    ['qos', '==', ['set', []]],
  ],
];

describe('an attachment as operations', () => {
  it('is an interface in a port on a bridge, if the names are free and the bridge is of its type', () => {
    const { sent, guards, needsVswitchd } = encode([
      attachOf('rep0-1', uuid(9), {
        datapathType: 'netdev',
        portRow: rowEdit({}, { other_config: { transient: 'true' } }),
        interfaceRow: rowEdit({ type: 'dpdk', mtu_request: 1500 }, { external_ids: { 'iface-id': 'ns_a' } }),
      }),
    ]);
    expect(asked(guards)).toEqual([
      [
        'present',
        'Bridge',
        [
          ['_uuid', '==', ref(9)],
          ['datapath_type', '==', 'netdev'],
        ],
      ],
      ['absent', 'Port', [['name', '==', 'rep0-1']]],
      ['absent', 'Interface', [['name', '==', 'rep0-1']]],
    ]);
    expect(sent).toEqual([
      {
        op: 'insert',
        table: 'Interface',
        'uuid-name': 'row1',
        row: { type: 'dpdk', mtu_request: 1500, external_ids: ['map', [['iface-id', 'ns_a']]], name: 'rep0-1' },
      },
      {
        op: 'insert',
        table: 'Port',
        'uuid-name': 'row2',
        row: {
          other_config: ['map', [['transient', 'true']]],
          name: 'rep0-1',
          interfaces: ['set', [['named-uuid', 'row1']]],
        },
      },
      {
        op: 'mutate',
        table: 'Bridge',
        where: [['_uuid', '==', ref(9)]],
        mutations: [['ports', 'insert', ['set', [['named-uuid', 'row2']]]]],
      },
      ...bumps,
    ]);
    expect(needsVswitchd).toBe(true);
  });

  it('refers from its port to the row of its limit', () => {
    const qos = rowEdit({ type: 'linux-htb' }, { other_config: { 'max-rate': '1000' } });
    const { sent } = encode([attachOf('rep0-1', uuid(9), { qos })]);
    expect(ops(sent).slice(0, 3)).toEqual(['insert QoS', 'insert Interface', 'insert Port']);
    expect(sent[0]?.['row']).toEqual({ type: 'linux-htb', other_config: ['map', [['max-rate', '1000']]] });
    expect(sent[2]?.['row']).toMatchObject({ qos: ['named-uuid', 'row1'] });
  });

  it('shares with the others of a batch the guard and the change of the bridge, and one count of next_cfg', () => {
    const names = Array.from({ length: 5 }, (_, index) => `rep0-${index}`);
    const { sent, guards, objects, blamed } = encode(names.map((name) => attachOf(name, uuid(9))));
    expect(guards.filter(({ table }) => table === 'Bridge')).toHaveLength(1);
    expect(ops(sent).slice(-2)).toEqual(['mutate Bridge', 'mutate Open_vSwitch']);
    expect(sent).toHaveLength(12);
    // Each guard and each row has somebody to blame.
    expect(blamed?.map(({ name }) => name)).toEqual(['rep0-0', ...names.flatMap((name) => [name, name])]);
    expect(objects.map(({ name }) => name)).toEqual(names.flatMap((name) => [name, name]));
  });
});

describe('a repair as operations', () => {
  it('is guarded by the keys that make the rows those of the attachment, and by no other', () => {
    const portEdit = editOf({ set: { tag: 5 } });
    const { sent, guards, needsVswitchd } = encode([repairOf('rep0-1', rows, { portEdit })]);
    expect(asked(guards)).toEqual(rowsGuards);
    expect(sent).toEqual([
      { op: 'update', table: 'Port', where: [['_uuid', '==', ref(1)]], row: { tag: 5 } },
      ...bumps,
    ]);
    expect(needsVswitchd).toBe(true);
  });

  it('changes single keys of external_ids and wakes nobody for it', () => {
    const interfaceEdit = editOf({
      setKeys: { external_ids: { sandbox: 's2' } },
      deleteKeys: { external_ids: ['k8s.ovn.org/nad'] },
    });
    const { sent, needsVswitchd } = encode([repairOf('rep0-1', rows, { interfaceEdit })]);
    expect(sent).toEqual([
      {
        op: 'mutate',
        table: 'Interface',
        where: [['_uuid', '==', ref(2)]],
        mutations: [
          ['external_ids', 'delete', ['set', ['sandbox']]],
          ['external_ids', 'insert', ['map', [['sandbox', 's2']]]],
          ['external_ids', 'delete', ['set', ['k8s.ovn.org/nad']]],
        ],
      },
    ]);
    expect(needsVswitchd).toBe(false);
  });

  it('gives the port a limit that it had not', () => {
    const row = rowEdit({ type: 'linux-htb' });
    const { sent, guards, needsVswitchd } = encode([repairOf('rep0-1', rows, { qos: { kind: 'create', row } })]);
    expect(asked(guards)).toEqual([...rowsGuards, noLimitGuard]);
    expect(sent).toEqual([
      { op: 'insert', table: 'QoS', 'uuid-name': 'row1', row: { type: 'linux-htb' } },
      { op: 'update', table: 'Port', where: [['_uuid', '==', ref(1)]], row: { qos: ['named-uuid', 'row1'] } },
      ...bumps,
    ]);
    expect(needsVswitchd).toBe(true);
  });

  it('changes the row of a limit only while it bears the mark and the port refers to it', () => {
    const edit = editOf({ setKeys: { other_config: { 'max-rate': '5' } } });
    const { sent, guards, needsVswitchd } = encode([
      repairOf('rep0-1', rows, { qos: { kind: 'edit', uuid: uuid(3), edit } }),
    ]);
    expect(asked(guards)).toEqual([...rowsGuards, ...limitGuards]);
    expect(ops(sent)).toEqual(['mutate QoS', 'mutate Open_vSwitch']);
    expect(needsVswitchd).toBe(true);
  });

  it('is nothing at all when the row of the limit has lost its mark', () => {
    const edit = editOf({ setKeys: { other_config: { 'max-rate': '5' } } });
    const attempt = () =>
      encode([repairOf('rep0-1', rows, { qos: { kind: 'edit', uuid: uuid(3), edit } })], schema, new Map());
    expect(attempt).toThrow(EncodeError);
    expect(attempt).toThrow(expect.objectContaining({ object: { kind: 'port', name: 'rep0-1' } }) as Error);
  });

  it('notes in the row of a limit what vswitchd does not read, and wakes nobody', () => {
    const edit = editOf({ setKeys: { external_ids: { sandbox: 's2' } } });
    const { sent, needsVswitchd } = encode([repairOf('rep0-1', rows, { qos: { kind: 'edit', uuid: uuid(3), edit } })]);
    expect([ops(sent), needsVswitchd]).toEqual([['mutate QoS'], false]);
  });

  it('takes a limit from the port before it deletes its row', () => {
    const { sent, needsVswitchd } = encode([repairOf('rep0-1', rows, { qos: { kind: 'delete', uuid: uuid(3) } })]);
    expect(sent).toEqual([
      { op: 'update', table: 'Port', where: [['_uuid', '==', ref(1)]], row: { qos: ['set', []] } },
      { op: 'delete', table: 'QoS', where: [['_uuid', '==', ref(3)]] },
      ...bumps,
    ]);
    expect(needsVswitchd).toBe(true);
  });

  it('writes nothing when there is nothing to write', () => {
    const { sent, needsVswitchd } = encode([repairOf('rep0-1', rows, { portEdit: noEdit })]);
    expect([sent, needsVswitchd]).toEqual([[], false]);
  });
});

describe('a removal as operations', () => {
  it('takes the port from the bridge if bridge, port and interface still belong together', () => {
    const { sent, guards, needsVswitchd } = encode([detachOf('rep0-1', uuid(9), rows)]);
    expect(asked(guards)).toEqual([
      [
        'present',
        'Bridge',
        [
          ['_uuid', '==', ref(9)],
          ['ports', 'includes', ['set', [ref(1)]]],
        ],
      ],
      ...rowsGuards,
    ]);
    expect(sent).toEqual([
      {
        op: 'mutate',
        table: 'Bridge',
        where: [['_uuid', '==', ref(9)]],
        mutations: [['ports', 'delete', ['set', [ref(1)]]]],
      },
      ...bumps,
    ]);
    expect(needsVswitchd).toBe(true);
  });

  it('deletes the row of the limit with it', () => {
    const { sent, guards } = encode([detachOf('rep0-1', uuid(9), rows, uuid(3))]);
    expect(asked(guards).slice(-2)).toEqual(limitGuards);
    expect(ops(sent)).toEqual(['update Port', 'delete QoS', 'mutate Bridge', 'mutate Open_vSwitch']);
  });

  it('drops a row of a limit that nobody uses, and wakes nobody', () => {
    const base = { key: uuid(3), port: '', label: 'QoS row', differences: [] };
    const { sent, guards, needsVswitchd, objects, blamed } = encode([
      { ...base, kind: 'dropQos', uuid: uuid(3), owner: 'me/pods' },
    ]);
    expect(asked(guards)).toEqual([
      ['present', 'QoS', [['_uuid', '==', ref(3)], mark]],
      ['absent', 'Port', [['qos', '==', ref(3)]]],
    ]);
    expect(sent).toEqual([{ op: 'delete', table: 'QoS', where: [['_uuid', '==', ref(3)]] }]);
    expect(needsVswitchd).toBe(false);
    // By this name the planner leaves out what was refused.
    const row = { kind: 'port', name: uuid(3) };
    expect([objects, blamed]).toEqual([[row], [row, row]]);
  });
});

describe('attachments as one transaction', () => {
  it('name the port that the schema of the server has no words for', () => {
    const old = structuredClone(schemaJson);
    const { columns } = old.tables['Interface']!;
    old.tables['Interface']!.columns = Object.fromEntries(
      Object.entries(columns).filter(([name]) => name !== 'mtu_request'),
    );
    const actions = [
      attachOf('rep0-1', uuid(9)),
      attachOf('rep0-2', uuid(9), { interfaceRow: rowEdit({ mtu_request: 9000 }) }),
    ];
    const attempt = () => encode(actions, parseSchema(old as never));
    expect(attempt).toThrow(EncodeError);
    expect(attempt).toThrow(expect.objectContaining({ object: { kind: 'port', name: 'rep0-2' } }) as Error);
  });

  it('are nothing when there are none', () => {
    expect(encode([])).toMatchObject({ sent: [], guards: [], needsVswitchd: false });
  });
});
