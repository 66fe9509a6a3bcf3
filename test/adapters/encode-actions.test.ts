import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeActions, EncodeError } from '../../src/adapters/encode-actions.js';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { Transaction, parseSchema, type Uuid } from '../../src/ovsdb/index.js';
import type { Action } from '../../src/plan/action.js';
import { bridgeIntent, bridgeRow, marked, observedOf, ownPortRow, planOf, portIntent } from '../fakes/plan-rows.js';

type Json = Readonly<Record<string, unknown>>;

const schemaFile = join(import.meta.dirname, '..', 'fixtures', 'schemas', 'vswitch-8.3.1.ovsschema');
const schemaJson = JSON.parse(readFileSync(schemaFile, 'utf8')) as { tables: Record<string, { columns: Json }> };
const schema = parseSchema(schemaJson as never);
const uuid = (digit: number): Uuid => `00000000-0000-4000-8000-00000000000${digit}` as Uuid;

function encode(actions: readonly Action[], on = schema) {
  const transaction = new Transaction<OpenVswitchDatabase>(on);
  const guarded: string[] = [];
  const encoded = encodeActions(transaction, uuid(0), actions, (table, row) => guarded.push(`${table} ${row}`));
  return { transaction, guarded, ...encoded };
}

const fresh = planOf(
  { bridges: [bridgeIntent('br0', { failMode: 'secure' })], ports: [portIntent('int0', 'br0')] },
  observedOf(),
);

describe('actions as one transaction', () => {
  it('make a bridge with its ports, and have vswitchd act on it once', () => {
    const { transaction, objects, needsVswitchd } = encode(fresh.actions);
    expect(needsVswitchd).toBe(true);
    expect(fresh.actions.map((action) => action.kind)).toEqual(['createBridge', 'createPort', 'createPort']);
    // Every operation serves an object that can be blamed: next_cfg is raised in one that is there anyway.
    expect(objects).toHaveLength(transaction.operationCount);
    expect(new Set(objects.map((object) => `${object.kind} ${object.name}`))).toEqual(
      new Set(['bridge br0', 'port br0', 'port int0']),
    );
  });

  it('do not wake vswitchd for notes that it does not read', () => {
    const edit = { set: new Map(), setKeys: new Map([['external_ids', new Map([['k', 'v']])]]), deleteKeys: new Map() };
    const object = { kind: 'port', name: 'int0', bridge: 'br0' } as const;
    const base = { object, loss: undefined, differences: [], uuid: uuid(1) };
    expect(encode([{ ...base, kind: 'editPort', edit }]).needsVswitchd).toBe(false);
    const tag = { ...edit, set: new Map([['tag', 5]]) };
    expect(encode([{ ...base, kind: 'editPort', edit: tag }]).needsVswitchd).toBe(true);
    const config = { ...edit, setKeys: new Map(), deleteKeys: new Map([['other_config', ['x']]]) };
    expect(encode([{ ...base, kind: 'editPort', edit: config }]).needsVswitchd).toBe(true);
  });

  it('guard each removal by the row as it was seen', () => {
    const bridge = bridgeRow('br0', { uuid: uuid(1), externalIds: marked() });
    const port = { ...ownPortRow('int0', 'br0'), uuid: uuid(2) };
    const observed = observedOf({ bridges: [bridge], ports: [port] });
    const ripe = new Set(['orphan port:int0', 'orphan bridge:br0']);
    const { actions } = planOf({}, observed, { ripe });
    const { guarded } = encode(actions);
    expect(guarded).toEqual([`Port ${uuid(2)}`, `Bridge ${uuid(1)}`]);
  });

  it('name the object that the schema of the server has no words for', () => {
    const old = structuredClone(schemaJson);
    old.tables['Interface']!.columns = Object.fromEntries(
      Object.entries(old.tables['Interface']!.columns).filter(([column]) => column !== 'mtu_request'),
    );
    const ports = [portIntent('int0', 'br0', { mtu: 9000 })];
    const { actions } = planOf({ bridges: [bridgeIntent('br0')], ports }, observedOf());
    try {
      encode(actions, parseSchema(old as never));
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(EncodeError);
      expect((error as EncodeError).object.name).toBe('int0');
      expect((error as EncodeError).error).toMatchObject({
        code: 'OVSDB_SCHEMA_MISMATCH',
        facts: { table: 'Interface', column: 'mtu_request' },
      });
    }
  });

  it('are nothing when there is nothing to do', () => {
    const { transaction, needsVswitchd } = encode([]);
    expect([transaction.operationCount, needsVswitchd]).toEqual([0, false]);
  });
});
