import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { AgentError } from '../../src/lib/errors.js';
import { parseSchema } from '../../src/ovsdb/schema.js';
import type { Json } from '../../src/ovsdb/types.js';
import { parseJsonExact } from '../../src/ovsdb/wire/json-exact.js';

const vswitch = parseSchema(
  parseJsonExact(readFileSync(new URL('../fixtures/schemas/vswitch-8.3.1.ovsschema', import.meta.url), 'utf8')),
);

describe('parseSchema', () => {
  it('reads the schema of Open vSwitch', () => {
    expect([vswitch.name, vswitch.version, vswitch.tables.size]).toEqual(['Open_vSwitch', '8.3.1', 19]);
    const tag = vswitch.tables.get('Port')?.columns.get('tag');
    expect(tag).toEqual({
      name: 'tag',
      type: { kind: 'optional', key: { type: 'integer', minInteger: 0, maxInteger: 4095 }, min: 0, max: 1 },
      ephemeral: false,
      mutable: true,
    });
    expect(vswitch.tables.get('Interface')).toMatchObject({ indexes: [['name']], isRoot: false, maxRows: Infinity });
    expect(vswitch.tables.get('Open_vSwitch')).toMatchObject({ indexes: [], isRoot: true, maxRows: 1 });
    expect(vswitch.tables.get('Mirror')?.columns.get('output_port')?.type.key.refType).toBe('weak');
  });

  it('says what exists', () => {
    expect([
      vswitch.has('Port'),
      vswitch.has('Port', 'tag'),
      vswitch.has('Port', 'x'),
      vswitch.has('X', 'tag'),
    ]).toEqual([true, true, false, false]);
  });

  it('takes every table as a root when none is marked', () => {
    const schema = parseSchema({ name: 'D', version: '1.0.0', tables: { T: { columns: { c: { type: 'string' } } } } });
    expect(schema.tables.get('T')?.isRoot).toBe(true);
  });

  const table = (members: Record<string, Json>): Json => ({
    name: 'D',
    version: '1.0.0',
    tables: { T: { columns: { c: { type: 'string' } }, ...members } },
  });
  it.each<[string, Json]>([
    ['an array', []],
    ['no name', { tables: {} }],
    ['no tables', { name: 'D' }],
    ['a table that is no object', { name: 'D', tables: { T: 1 } }],
    ['an illegal table name', { name: 'D', tables: { 'a-b': { columns: {} } } }],
    [
      'a column called __proto__',
      parseJsonExact('{"name":"D","tables":{"T":{"columns":{"__proto__":{"type":"string"}}}}}'),
    ],
    ['an index of an unknown column', table({ indexes: [['x']] })],
    ['an index that is no array', table({ indexes: {} })],
    ['a maxRows of zero', table({ maxRows: 0 })],
    ['an isRoot that is text', table({ isRoot: 'yes' })],
    ['a version that is a number', { name: 'D', version: 1, tables: {} }],
  ])('refuses %s', (_what, json) => {
    let code: string | undefined;
    try {
      parseSchema(json);
    } catch (error) {
      code = error instanceof AgentError ? error.code : 'other';
    }
    expect(code).toBe('PEER_PROTOCOL');
  });
});
