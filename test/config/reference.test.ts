import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configReference, referenceTable, variableTable } from '../../src/config/reference.js';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

/** The rows between two markers, with the padding that a formatter adds taken out. */
function tableIn(name: string): readonly string[] {
  const match = new RegExp(`<!-- ${name} -->([^]*?)<!-- /${name} -->`).exec(page);
  return normalized(match?.[1] ?? '');
}

function normalized(table: string): readonly string[] {
  const lines = table.split('\n').map((line) => line.replace(/\s+/g, ' ').replace(/-{3,}/g, '---').trim());
  return lines.filter((line) => line !== '');
}

describe('reference', () => {
  it('is what the documentation says of every key', () => {
    expect(tableIn('keys')).toEqual(normalized(referenceTable(configReference())));
  });

  it('is what the documentation says of every variable', () => {
    expect(tableIn('variables')).toEqual(normalized(variableTable(configReference())));
  });

  it('has a meaning for every key', () => {
    expect(configReference().filter(({ meaning }) => meaning === '')).toEqual([]);
  });

  it('names each variable once', () => {
    const variables = configReference().flatMap(({ variable }) => (variable === '' ? [] : [variable]));
    expect(variables).toContain('DPU_AGENT_FULL_RESYNC_MS');
    expect(variables).toContain('DPU_AGENT_OVSDB_TLS_CA_FILE');
    expect(new Set(variables).size).toBe(variables.length);
  });
});
