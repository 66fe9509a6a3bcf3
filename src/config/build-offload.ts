/** Makes the section about offload from data that passed every check. Used by build.ts; never fails for what a person wrote. */
import { assert } from '../lib/assert.js';
import type { OffloadConfig } from './config.js';
import { declarableSettings, uniformValue } from './offload-settings.js';
import type { OffloadInput } from './schema-offload.js';

/** @param input a section to which no rule objects */
export function offloadOf(input: OffloadInput): OffloadConfig {
  const uniform = Object.entries(input.settings).map(([key, value]) => {
    const values = declarableSettings.get(key);
    assert(values !== undefined, 'a rule has made sure that the setting is a known one');
    return [key, uniformValue(values, value)] as const;
  });
  return { ...input, settings: Object.fromEntries(uniform) };
}
