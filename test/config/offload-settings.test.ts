import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declarableSettings, settingValuesText, takesValue, uniformValue } from '../../src/config/offload-settings.js';
import { canonicalValue, formatValueRule, isValidValue } from '../../src/offload/setting-rule.js';
import { declarableRules } from '../../src/offload/setting-rules.js';

describe('the settings that can be declared', () => {
  it('are those of which the supervisor knows what a change does, with the same values', () => {
    const known = declarableRules.map(({ key, value }) => [key, value]);
    expect([...declarableSettings].sort()).toEqual(known.sort());
  });

  it('take, show and unify values just as the supervisor does', () => {
    const values = fc.oneof(
      fc.constantFrom('true', 'TRUE', 'False', 'yes', '', '0', '007', '500', '-1', '1.5', '1e3', '9'.repeat(20)),
      fc.constantFrom('none', 'skip_sw', 'try', 'doca', 'legacy', '0xff', '/dev/hugepages', '1024,0', 'a,b', ' '),
      fc.string({ maxLength: 20 }),
      fc.integer().map(String),
    );
    fc.assert(
      fc.property(fc.constantFrom(...declarableRules), values, (rule, value) => {
        const own = declarableSettings.get(rule.key)!;
        expect(takesValue(own, value)).toBe(isValidValue(rule.value, value));
        expect(settingValuesText(own)).toBe(formatValueRule(rule.value));
        if (takesValue(own, value)) expect(uniformValue(own, value)).toBe(canonicalValue(rule.value, value));
      }),
    );
  });

  it('have values of bounded length', () => {
    expect(takesValue(declarableSettings.get('dpdk-extra')!, 'x'.repeat(1_024))).toBe(true);
    expect(takesValue(declarableSettings.get('dpdk-extra')!, 'x'.repeat(1_025))).toBe(false);
  });
});
