import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleSchema } from '../../src/config/bundle-schema.js';
import { formatEffective } from '../../src/config/effective.js';
import { loadConfig, type ConfigSources } from '../../src/config/load.js';
import { offloadLimitsDefault } from '../../src/offload/offload-facts.js';
import { declarableRules } from '../../src/offload/setting-rules.js';
import { settingsTable } from './settings-table.js';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const offload = (sources: ConfigSources) => loadConfig(sources).config.offload;

function rowsOf(table: string): readonly string[] {
  const lines = table.split('\n').map((line) => line.replace(/\s+/g, ' ').replace(/-{3,}/g, '---').trim());
  return lines.filter((line) => line !== '');
}

describe('section offload', () => {
  it('is what the supervisor takes for granted where nothing is written', () => {
    const { thresholds, ...rest } = offload({ text: '' });
    expect(rest).toEqual({
      mode: 'apply',
      settings: {},
      flows: 'auto',
      exporterPort: 6103,
      expect: { vfs: [], cards: [] },
      bootGraceMs: offloadLimitsDefault.bootGraceMs,
    });
    expect(offloadLimitsDefault).toMatchObject(thresholds);
    expect(Object.keys(thresholds)).toHaveLength(10);
  });

  it('has values as text in one form, however they are written', () => {
    const text = 'offload:\n  settings: {hw-offload: True, max-idle: 007000, dpdk-init: true, pmd-cpu-mask: 0xF0}\n';
    expect(offload({ text }).settings).toEqual({
      'hw-offload': 'true',
      'max-idle': '7000',
      'dpdk-init': 'true',
      'pmd-cpu-mask': '0xF0',
    });
  });

  it('can be said by variables and flags, setting by setting', () => {
    const env = { DPU_AGENT_OFFLOAD_MODE: 'observe', DPU_AGENT_OFFLOAD_SETTINGS: '{hw-offload: true}' };
    const sets = ['offload.settings.max-idle=30000', 'offload.thresholds.ratioMin=0.5'];
    expect(offload({ text: 'offload: {flows: asked}', env, sets })).toMatchObject({
      mode: 'observe',
      settings: { 'hw-offload': 'true', 'max-idle': '30000' },
      flows: 'asked',
      thresholds: { ratioMin: 0.5 },
    });
  });

  it('is shown so that it loads again', () => {
    const text =
      'offload: {settings: {hw-offload: true}, expect: {vfs: [{pf: 0, count: 16}], cards: [pci/0000:03:00.0]}}';
    const { config, origins } = loadConfig({ text });
    const shown = formatEffective(config, origins);
    expect(shown).toContain('hw-offload: "true" # file:1');
    expect(offload({ text: shown })).toEqual(config.offload);
  });

  it('is nothing that an owner can hand in', () => {
    expect(bundleSchema.safeParse({ bridges: [] }).success).toBe(true);
    expect(bundleSchema.safeParse({ bridges: [], offload: { mode: 'off' } }).success).toBe(false);
  });

  it('is documented setting by setting, with when a change takes effect and which the agent never makes', () => {
    const table = /<!-- settings -->([^]*?)<!-- \/settings -->/.exec(page)?.[1] ?? '';
    expect(rowsOf(table)).toEqual(rowsOf(settingsTable()));
    expect(declarableRules.length).toBeGreaterThan(50);
  });

  it('has an example in the documentation that loads', () => {
    const example = /## Offload[^]*?```yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
    expect(offload({ text: example }).settings).toMatchObject({ 'hw-offload': 'true' });
  });
});
