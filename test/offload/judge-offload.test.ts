import { describe, expect, it } from 'vitest';
import { engineOf, judgeObject, judgeStatus, type OffloadRoot } from '../../src/offload/judge-offload.js';
import { offloadKeys, offloadReasons } from '../../src/offload/offload.js';
import { documentedTable } from '../fakes/documented-table.js';
import { mapOf, rootRow } from '../fakes/plan-rows.js';

const plain = rootRow({});
const withDpdk = rootRow({ isDpdkInitialized: true });
const on = (root: OffloadRoot = plain): OffloadRoot => ({ ...root, otherConfig: mapOf({ 'hw-offload': 'true' }) });

describe('the engine of a bridge', () => {
  it.each([
    ['the kernel, also where the column is empty', '', plain, 'tc'],
    ['the kernel', 'system', withDpdk, 'tc'],
    ['userspace alone', 'netdev', plain, 'userspace'],
    ['DPDK', 'netdev', withDpdk, 'dpdk'],
    ['DOCA before DPDK', 'netdev', rootRow({ isDpdkInitialized: true, isDocaInitialized: true }), 'doca'],
    ['DOCA by its datapath', 'doca', plain, 'doca'],
    ['DPDK where only its interface types say so', 'netdev', rootRow({ ifaceTypes: ['dpdk'] }), 'dpdk'],
    ['not known for a datapath of another kind', 'dummy', plain, 'unknown'],
  ])('is %s', (_words, datapathType, root, engine) => {
    expect(engineOf(datapathType, root)).toBe(engine);
  });
});

describe('the offload status', () => {
  it('is unknown while the database is not readable', () => {
    expect(judgeStatus([], undefined)).toMatchObject({ engine: 'unknown', isConfigured: false });
  });

  it('says that bridges of several kinds have no common engine', () => {
    const status = judgeStatus(['system', 'netdev'], plain);
    expect(status.engine).toBe('none');
    expect(status.notes.join(' ')).toContain('several datapaths (netdev, system)');
  });

  it('takes hw-offload as ovs-vswitchd reads it', () => {
    const configured = (value: string): boolean =>
      judgeStatus(['system'], rootRow({ otherConfig: mapOf({ 'hw-offload': value }) })).isConfigured;
    expect(['true', 'TRUE', 'True'].map(configured)).toEqual([true, true, true]);
    expect(['1', 'yes', '', 'false'].map(configured)).toEqual([false, false, false, false]);
  });

  it('shows the settings that concern offload and no others, escaped', () => {
    const otherConfig = mapOf({ 'hw-offload': 'true', 'tc-policy': 'skip_hw\u001b', password: 'secret' });
    const { settings, notes } = judgeStatus(['system'], rootRow({ otherConfig }));
    expect([...settings]).toEqual([
      ['hw-offload', 'true'],
      ['tc-policy', 'skip_hw\\u001b'],
    ]);
    expect(notes).toEqual([]);
  });

  it('warns of tc-policy skip_hw and of a left-over flow-restore-wait', () => {
    const otherConfig = mapOf({ 'hw-offload': 'true', 'tc-policy': 'skip_hw', 'flow-restore-wait': 'true' });
    expect(judgeStatus(['system'], rootRow({ otherConfig })).notes).toHaveLength(2);
  });
});

describe('the verdict on an object', () => {
  it('is software for certain in userspace without DPDK and DOCA, whatever hw-offload says', () => {
    for (const root of [plain, on()]) {
      expect(judgeObject({ datapathType: 'netdev' }, root)).toMatchObject({
        verdict: 'software',
        reason: 'EngineIsSoftware',
      });
    }
  });

  it('never claims software from hw-offload alone: true may still be in force', () => {
    expect(judgeObject({ datapathType: 'system' }, plain)).toMatchObject({
      verdict: 'unknown',
      reason: 'HwOffloadOff',
    });
  });

  it('never claims hardware from the configuration', () => {
    for (const datapathType of ['', 'system', 'netdev', 'doca', 'dummy']) {
      for (const root of [on(), on(withDpdk), on(rootRow({ isDocaInitialized: true }))]) {
        expect(['unknown', 'software']).toContain(judgeObject({ datapathType }, root).verdict);
      }
    }
    expect(judgeObject({ datapathType: 'doca' }, on()).reason).toBe('NotMeasured');
  });

  it('is what the flows prove, where somebody has looked at them', () => {
    const measured = { verdict: 'partial', reason: 'NotMeasured', message: 'seen' } as const;
    expect(judgeObject({ datapathType: 'system', measured }, plain)).toBe(measured);
  });

  it('says nothing of an object without a port', () => {
    expect(judgeObject({ datapathType: undefined }, on())).toMatchObject({ verdict: 'unknown', reason: 'NotOnSwitch' });
  });
});

describe('the words of offload', () => {
  it('are all documented with their meaning, in the order of the list', () => {
    const documented = documentedTable('errors.md', 'Offload reason');
    expect([...documented.keys()]).toEqual(Object.keys(offloadReasons));
    for (const [reason, meaning] of Object.entries(offloadReasons)) {
      const [said, move] = documented.get(reason) ?? [];
      expect(said).toBe(meaning);
      expect(move).toMatch(/\.$/);
    }
  });

  it('name each key once', () => {
    expect(new Set(offloadKeys).size).toBe(offloadKeys.length);
  });
});
