import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EncodeError } from '../../src/adapters/encode-actions.js';
import { encodeSettings, type SettingEdit } from '../../src/adapters/encode-settings.js';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { parseSchema, Transaction, type Uuid } from '../../src/ovsdb/index.js';

const schemaFile = join(import.meta.dirname, '..', 'fixtures', 'schemas', 'vswitch-8.3.1.ovsschema');
const schemaJson = JSON.parse(readFileSync(schemaFile, 'utf8')) as { tables: Record<string, { columns: object }> };
const root = '00000000-0000-4000-8000-000000000001' as Uuid;

function encode(edits: readonly SettingEdit[], schema = parseSchema(schemaJson as never)) {
  const transaction = new Transaction<OpenVswitchDatabase>(schema);
  const encoded = encodeSettings(transaction, root, edits);
  return { transaction, ...encoded, operations: transaction.toOperations() };
}

const waitFor = (key: string, value: string): object => ({
  op: 'wait',
  table: 'Open_vSwitch',
  until: '!=',
  rows: [],
  timeout: 0,
  where: [
    ['_uuid', '==', ['uuid', root]],
    ['other_config', 'includes', ['map', [[key, value]]]],
  ],
});

describe('edits of settings as one transaction', () => {
  it('change a key only while it has the value that the edit was planned on, and no other key', () => {
    const { operations, guards, needsVswitchd } = encode([{ key: 'max-idle', from: '10000', to: '30000' }]);
    expect(operations).toMatchObject([
      waitFor('max-idle', '10000'),
      {
        op: 'mutate',
        table: 'Open_vSwitch',
        mutations: [
          ['other_config', 'delete', ['set', ['max-idle']]],
          ['other_config', 'insert', ['map', [['max-idle', '30000']]]],
          ['next_cfg', '+=', 1],
        ],
      },
    ]);
    expect(guards).toEqual([{ kind: 'setting', name: 'max-idle' }]);
    expect(needsVswitchd).toBe(true);
  });

  it('give a key that is absent a value only if it got none meanwhile', () => {
    const { operations, guards, objects } = encode([{ key: 'hw-offload', from: undefined, to: 'true' }]);
    expect(operations).toMatchObject([
      {
        op: 'mutate',
        mutations: [
          ['other_config', 'insert', ['map', [['hw-offload', 'true']]]],
          ['next_cfg', '+=', 1],
        ],
      },
      waitFor('hw-offload', 'true'),
    ]);
    expect(guards).toEqual([]);
    expect(objects.map(({ name }) => name)).toEqual(['hw-offload', 'hw-offload']);
  });

  it('raise next_cfg once for all of them, and know for each operation whom it serves', () => {
    const edits = [
      { key: 'tc-policy', from: undefined, to: 'skip_sw' },
      { key: 'max-idle', from: '1', to: '2' },
      { key: 'hw-offload', from: undefined, to: 'true' },
    ];
    const { operations, guards, objects, transaction } = encode(edits);
    expect(operations.map(({ op }) => op)).toEqual(['wait', 'mutate', 'wait', 'wait']);
    expect(JSON.stringify(operations).match(/next_cfg/g)).toHaveLength(1);
    expect(objects).toHaveLength(transaction.operationCount);
    expect(guards?.map(({ name }) => name)).toEqual(['max-idle']);
    expect(objects.slice(1).map(({ name }) => name)).toEqual(['tc-policy', 'hw-offload']);
  });

  it('are nothing to do when there are none', () => {
    const { transaction, needsVswitchd } = encode([]);
    expect(transaction.isEmpty).toBe(true);
    expect(needsVswitchd).toBe(false);
  });

  it('name the setting when the schema of the server has no such column', () => {
    const old = structuredClone(schemaJson);
    old.tables['Open_vSwitch']!.columns = Object.fromEntries(
      Object.entries(old.tables['Open_vSwitch']!.columns).filter(([column]) => column !== 'other_config'),
    );
    const run = () => encode([{ key: 'max-idle', from: '1', to: '2' }], parseSchema(old as never));
    expect(run).toThrow(EncodeError);
    expect(run).toThrow(expect.objectContaining({ object: { kind: 'setting', name: 'max-idle' } }));
  });
});
