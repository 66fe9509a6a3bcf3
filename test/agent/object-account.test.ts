import { describe, expect, it } from 'vitest';
import { accountOf, requireChain } from '../../src/agent/object-account.js';
import type { Condition, Finding } from '../../src/model/condition.js';
import { portRow } from '../fakes/plan-rows.js';
import { agentStatus } from '../cli/attach-shapes.js';
import { chainView, portView, switchView } from '../chain/chain-shapes.js';

const port: Condition = {
  object: { kind: 'port', name: 'p0', bridge: 'br-sfc' },
  state: 'waiting',
  reason: 'LinkDown',
  message: 'The link of p0 is down.',
  evidence: { ofport: '7', link_state: 'down' },
};
const chain: Condition = {
  object: { kind: 'chain', name: 'c', bridge: 'br-sfc' },
  state: 'ready',
  reason: 'Ready',
  message: 'All flows were read back.',
  evidence: {},
};
const view = chainView(switchView(0, portView('p0', 7), portView('p1', 8)));
const key = view.switches[0]?.ports[0]?.key ?? '';
const chainPort: Condition = { ...port, object: { kind: 'chainPort', name: key, bridge: 'br-sfc' } };
const finding: Finding = {
  reason: 'ForeignPort',
  object: { kind: 'port', name: 'p9' },
  message: 'A port of this name exists.',
  claimants: ['config', 'somebody'],
  remedy: 'Set adopt.',
};
const entry = (sequence: number, summary: string, details: readonly string[] = []) =>
  ({
    sequence,
    wallMs: 0,
    kind: 'change',
    actor: 'agent',
    summary,
    details,
    outcome: 'applied',
    message: undefined,
    tookMs: 1,
  }) as const;
const status = agentStatus({ conditions: [port, chain, chainPort], findings: [finding], chains: [view] });

const journal = [
  entry(1, 'create port p0 on br-sfc'),
  entry(2, 'create port p01 on br-sfc'),
  entry(3, 'many', ['set p0: up']),
];

describe('the account of a port', () => {
  it('has its condition, those of the chains on it, and the changes that name it', () => {
    const account = accountOf(status, journal, 'port', 'p0');
    expect(account.object).toEqual(port.object);
    expect(account.conditions).toEqual([port, chainPort]);
    expect(account.journal.map(({ sequence }) => sequence)).toEqual([1, 3]);
    expect(account.command).toBe('ovs-vsctl list Interface p0');
    expect(account.isReady).toBe(false);
  });

  it('has the findings about it', () => {
    const account = accountOf(status, journal, 'port', 'p9');
    expect(account.findings).toEqual([finding]);
    expect(account.isReady).toBe(false);
  });

  it('is refused when nothing is known of it, unless pods know it; and similar names are told', () => {
    expect(() => accountOf(status, journal, 'port', 'p7')).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', remedy: 'It knows: p0, p9.' }),
    );
    expect(accountOf(status, journal, 'port', 'p7', true).isReady).toBe(true);
  });
});

describe('the account of a port that nobody wants', () => {
  const seen = (ids: Readonly<Record<string, string>>) =>
    portRow('veth7', 'br-int', {}, { externalIds: new Map(Object.entries(ids)) });

  it.each([
    [{}, 'made by somebody who left no mark'],
    [{ 'dpu-agent-owner': 'other' }, 'made by the agent of owner other'],
    [{ 'dpf-id': 'dpf/firewall-0/outer_if' }, 'made by the CNI of DPF for dpf/firewall-0/outer_if'],
    [{ 'ovn-chassis-id': 'c1@1.2.3.4' }, 'made by ovn-controller (ovn-chassis-id=c1@1.2.3.4)'],
    [{ 'iface-id': 'default_web-0' }, 'made by whoever plugs iface-id default_web-0'],
  ])('says where it is and who made it: %j', (ids, words) => {
    const { notes, object, isReady } = accountOf(status, [], 'port', 'veth7', false, seen(ids));
    expect(notes[0]).toBe(`foreign: on br-int, not wanted by anybody, ${words}; the agent leaves it alone`);
    expect(object).toEqual({ kind: 'port', name: 'veth7', bridge: 'br-int' });
    expect(isReady).toBe(true);
  });

  it('is not ready where its interface could not be opened', () => {
    const broken = portRow('veth7', 'br-int', {}, { ofport: -1, error: 'could not open network device veth7' });
    const { notes, isReady } = accountOf(status, [], 'port', 'veth7', false, broken);
    expect(notes.at(-1)).toBe('interface veth7 is not open: could not open network device veth7');
    expect(isReady).toBe(false);
  });

  it('has no such notes where something is said of it', () => {
    expect(accountOf(status, [], 'port', 'p0', false, seen({})).notes).toEqual([]);
  });
});

describe('the account of a chain', () => {
  it('has its condition and those of its ports', () => {
    const account = accountOf(status, journal, 'chain', 'c');
    expect(account.conditions).toEqual([chain, chainPort]);
    expect(account.command).toBe('dpuctl trace c');
  });

  it('has no command with a name that cannot be written', () => {
    const named = { ...chain, object: { kind: 'chain', name: '-x\u001b' } as const };
    expect(accountOf(agentStatus({ conditions: [named] }), [], 'chain', '-x\u001b').command).toBeUndefined();
  });
});

describe('a chain that is asked for', () => {
  it('is the one in force', () => {
    expect(requireChain(status, 'c')).toBe(view);
  });

  it('is refused with the reason why it is not in force, or with similar names', () => {
    const refused = {
      ...chain,
      object: { kind: 'chain', name: 'd' },
      state: 'failed',
      message: 'It is wrong.',
    } as const;
    const other = agentStatus({ conditions: [refused], chains: [view] });
    expect(() => requireChain(other, 'd')).toThrow('chain d is not in force: It is wrong.');
    expect(() => requireChain(other, 'cc')).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', remedy: 'It knows: c.' }),
    );
  });
});
