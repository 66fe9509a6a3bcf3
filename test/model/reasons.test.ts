import { describe, expect, it } from 'vitest';
import { reasons } from '../../src/model/reasons.js';
import { documentedTable } from '../fakes/documented-table.js';

describe('the reasons', () => {
  const documented = documentedTable('errors.md', 'Reason');

  it('are all documented, in the order of the list, and none is documented that does not exist', () => {
    expect([...documented.keys()]).toEqual(Object.keys(reasons));
  });

  it('are documented with their meaning and with what to do', () => {
    for (const [reason, meaning] of Object.entries(reasons)) {
      const [said, move] = documented.get(reason) ?? [];
      expect(said).toBe(meaning);
      expect(move).toMatch(/\.$/);
    }
  });

  it('are spelled as one word with capitals', () => {
    for (const reason of Object.keys(reasons)) expect(reason).toMatch(/^([A-Z][a-z]+)+$/);
  });
});
