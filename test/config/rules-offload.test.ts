import { describe, expect, it } from 'vitest';
import { onlyProblem, problemLines, problemsIn } from './problems-of.js';

const settings = (text: string): readonly string[] => problemLines(`offload:\n  settings: {${text}}\n`);

describe('rules of offload', () => {
  it('take the settings that are known, dangerous and contradictory ones too', () => {
    expect(settings('hw-offload: true, max-idle: 30000, tc-policy: skip_sw, eswitch-mode: switchdev')).toEqual([]);
    expect(settings('hw-offload: false, tc-policy: skip_sw')).toEqual([]);
    expect(settings('flow-restore-wait: true, pmd-cpu-mask: 0x3, hw-offload-ct-size: 0')).toEqual([]);
  });

  it('name key, value and what is allowed where a setting does not take the value', () => {
    expect(settings('hw-offload: yes, max-idle: 10, dpdk-socket-mem: lots')).toEqual([
      '2 offload.settings.hw-offload: hw-offload cannot be "yes"; allowed: true or false',
      '2 offload.settings.max-idle: max-idle cannot be "10"; allowed: a whole number from 500',
      '2 offload.settings.dpdk-socket-mem: dpdk-socket-mem cannot be "lots"; allowed: MiB for each NUMA node, with commas',
    ]);
    expect(onlyProblem('offload: {settings: {tc-policy: skip-sw}}').remedy).toBe('Did you mean "skip_sw"?');
    expect(onlyProblem('offload: {settings: {n-offload-threads: 11}}').message).toBe(
      'n-offload-threads cannot be "11"; allowed: a whole number from 1 to 10',
    );
  });

  it('name the setting that was probably meant, or where they are listed', () => {
    const typo = onlyProblem('offload: {settings: {hw_ofload: true}}');
    expect(typo.message).toBe('"hw_ofload" is no setting of offload that can be declared');
    expect(typo.remedy).toBe('Did you mean "hw-offload"?');
    expect(onlyProblem('offload: {settings: {mac-table-size: 1}}').remedy).toMatch(/docs\/configuration\.md/);
  });

  it('apply to variables and flags as to the file', () => {
    const env = { DPU_AGENT_OFFLOAD_SETTINGS: '{max-idle: 1}' };
    expect(problemsIn({ text: '', env })).toMatchObject([{ path: 'offload.settings.max-idle' }]);
    const sets = ['offload.settings.hw-offload=maybe', 'offload.thresholds.ratioMin=1.5'];
    expect(problemsIn({ text: '', sets }).map(({ path }) => path)).toEqual(['offload.thresholds.ratioMin']);
    expect(problemsIn({ text: '', sets: sets.slice(0, 1) })).toMatchObject([{ path: 'offload.settings.hw-offload' }]);
  });

  it('say the range of a threshold', () => {
    expect(problemLines('offload: {thresholds: {ratioMin: 90}}')).toEqual([
      '1 offload.thresholds.ratioMin: 90 is not allowed here; allowed: a number from 0 to 1',
    ]);
    expect(problemLines('offload: {expect: {cards: [mlx5_0]}}')).toEqual([
      '1 offload.expect.cards[0]: "mlx5_0" is not allowed here; allowed: a device of devlink, such as pci/0000:03:00.0',
    ]);
  });

  it('want each PF and each card once', () => {
    const text =
      'offload: {expect: {vfs: [{pf: 0, count: 8}, {pf: 0, count: 4}], cards: [pci/0000:03:00.0, pci/0000:03:00.0]}}';
    expect(problemLines(text)).toEqual([
      '1 offload.expect.vfs[1].pf: PF 0 is given twice',
      '1 offload.expect.cards[1]: "pci/0000:03:00.0" is given twice',
    ]);
  });
});
