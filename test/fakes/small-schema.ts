/** A schema with one column of every kind, for tests of what depends on types and not on Open vSwitch. */
import { parseSchema } from '../../src/ovsdb/schema.js';

const text = (min: number, max: number | 'unlimited') => ({ key: 'string', min, max });

export const smallSchemaJson = {
  name: 'Small',
  version: '1.0.0',
  tables: {
    Root: {
      isRoot: true,
      maxRows: 1,
      columns: {
        bridges: { type: { key: { type: 'uuid', refTable: 'Bridge' }, min: 0, max: 'unlimited' } },
        next_cfg: { type: 'integer' },
        external_ids: { type: { ...text(0, 'unlimited'), value: 'string' } },
      },
    },
    Bridge: {
      indexes: [['name']],
      columns: {
        name: { type: 'string', mutable: false },
        ports: { type: { key: { type: 'uuid', refTable: 'Port' }, min: 0, max: 'unlimited' } },
        mode: { type: { key: { type: 'string', enum: ['set', ['secure', 'standalone']] }, min: 0, max: 1 } },
        protocols: { type: text(0, 'unlimited') },
        external_ids: { type: { ...text(0, 'unlimited'), value: 'string' } },
        flow_tables: { type: { key: 'integer', value: 'string', min: 0, max: 'unlimited' } },
        ratio: { type: 'real' },
        weights: { type: { key: 'real', min: 0, max: 'unlimited' } },
        counter: { type: 'integer' },
        limit: { type: { key: 'integer', min: 0, max: 1 } },
      },
    },
    Port: {
      indexes: [['name']],
      columns: {
        name: { type: 'string', mutable: false },
        tags: { type: { key: 'integer', min: 1, max: 4 } },
      },
    },
  },
} as const;

export const smallSchema = parseSchema(smallSchemaJson);
