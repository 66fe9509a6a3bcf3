import { describe, expect, it } from 'vitest';
import type { Condition } from '../../src/ovsdb/index.js';
import { conditionUpdates, monitorRequests, planMonitor } from '../../src/ovsdb/monitor-plan.js';
import { parseSchema } from '../../src/ovsdb/schema.js';
import { labSchema } from '../fakes/scripted-ovsdb-peer.js';

const schema = parseSchema(labSchema);
const monitored = new Map([['Thing', ['name']]]);

describe('a monitor plan', () => {
  it('takes all columns, or those that exist, once each', () => {
    expect(planMonitor(schema, new Map([['Thing', {}]])).monitored.get('Thing')).toEqual(['name', 'size']);
    const { monitored: some, missing } = planMonitor(
      schema,
      new Map([
        ['Thing', { columns: ['size', 'color', 'size'] }],
        ['Other', { columns: ['name'] }],
      ]),
    );
    expect([...some]).toEqual([['Thing', ['size']]]);
    expect(missing).toEqual([{ table: 'Thing', column: 'color' }, { table: 'Other' }]);
  });

  it('says all rows by saying nothing, none by false, and never an empty list', () => {
    const where = (condition: Condition): unknown =>
      monitorRequests(schema, monitored, new Map([['Thing', condition]]));
    expect(where(true)).toEqual({ Thing: [{ columns: ['name'] }] });
    expect(where(false)).toEqual({ Thing: [{ columns: ['name'], where: [false] }] });
    expect(where([['size', '>', 3]])).toEqual({ Thing: [{ columns: ['name'], where: [['size', '>', 3]] }] });
    expect(() => where([])).toThrow(expect.objectContaining({ code: 'OVSDB_VALUE_INVALID' }));
    expect(monitorRequests(schema, monitored, undefined)).toEqual({ Thing: [{ columns: ['name'] }] });
  });

  it('asks for more rows rather than fewer when the server lacks a column of the condition', () => {
    const condition: Condition = [
      ['name', '==', 'a'],
      ['color', '==', 'red'],
    ];
    const conditions = new Map([['Thing', condition]]);
    expect(monitorRequests(schema, monitored, conditions)).toEqual({ Thing: [{ columns: ['name'], where: [true] }] });
    expect(conditionUpdates(schema, monitored, conditions)).toEqual({ Thing: [{ where: [true] }] });
  });

  it('changes conditions of monitored tables only', () => {
    const conditions = new Map<string, Condition>([
      ['Thing', true],
      ['Other', false],
    ]);
    expect(conditionUpdates(schema, monitored, conditions)).toEqual({ Thing: [{ where: [true] }] });
  });
});
