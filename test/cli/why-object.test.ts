import { describe, expect, it } from 'vitest';
import { accountOf, formatAccount, isAccountReady } from '../../src/cli/why-object.js';
import type { Condition, Finding } from '../../src/model/condition.js';
import { agentStatus } from './attach-shapes.js';
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
  ({ sequence, wallMs: 0, kind: 'change', actor: 'agent', summary, details, outcome: 'applied', message: undefined, tookMs: 1 }) as const;
const status = agentStatus({
  conditions: [port, chain, chainPort],
  findings: [finding],
  chains: [view],
  journal: [
    entry(1, 'create port p0 on br-sfc'),
    entry(2, 'create port p01 on br-sfc'),
    entry(3, 'many', ['set p0: up']),
  ],
});

describe('the account of a port', () => {
  it('has its condition, those of the chains on it, and the changes that name it', () => {
    const account = accountOf(status, 'port', 'p0');
    expect(account.conditions).toEqual([port, chainPort]);
    expect(account.journal.map(({ sequence }) => sequence)).toEqual([1, 3]);
    expect(isAccountReady(account)).toBe(false);
    const text = formatAccount(account);
    expect(text).toContain(
      '  … port p0 on br-sfc: LinkDown: The link of p0 is down.\n      The link of the interface is down.\n',
    );
    expect(text).toContain('ofport=7 link_state=down');
    expect(text).toContain('$ ovs-vsctl list Interface p0');
  });

  it('has the findings about it with their remedy', () => {
    const account = accountOf(status, 'port', 'p9');
    expect(isAccountReady(account)).toBe(false);
    expect(formatAccount(account)).toContain(
      '  ! ForeignPort: A port of this name exists. [config, somebody]\n      remedy   Set adopt.\n',
    );
  });

  it('is refused when nothing is known of it, unless pods know it', () => {
    expect(() => accountOf(status, 'port', 'p7')).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(isAccountReady(accountOf(status, 'port', 'p7', true))).toBe(true);
  });
});

describe('the account of a chain', () => {
  it('has its condition and those of its ports', () => {
    const account = accountOf(status, 'chain', 'c');
    expect(account.conditions).toEqual([chain, chainPort]);
    expect(formatAccount(account)).toContain('✓ chain c on br-sfc: Ready');
    expect(formatAccount(account)).toContain('$ dpuctl trace c');
  });

  it('has no command with a name that cannot be written', () => {
    const named = { ...chain, object: { kind: 'chain', name: '-x\u001b' } as const };
    const text = formatAccount(accountOf(agentStatus({ conditions: [named] }), 'chain', '-x\u001b'));
    expect(text).toContain(String.raw`chain -x\u001b`);
    expect(text).not.toContain('command');
  });
});
