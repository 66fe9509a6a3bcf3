import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/status.js';
import { formatChains } from '../../src/cli/chains-text.js';
import { findChain, isStale } from '../../src/cli/read-status.js';
import { formatConditions } from '../../src/cli/status-text.js';
import type { Condition } from '../../src/model/condition.js';
import { chainView, portView, switchView } from '../chain/chain-shapes.js';

const ready = { state: 'ready', reason: 'Ready', message: 'As intended.', evidence: {} } as const;
const chain: Condition = { object: { kind: 'chain', name: 'c', bridge: 'br-sfc' }, ...ready };
const refused: Condition = {
  object: { kind: 'chain', name: 'bad', bridge: 'br-sfc' },
  state: 'failed',
  reason: 'ChainLoop',
  message: 'Frames would circle.',
  evidence: {},
};
const chainPort: Condition = {
  object: { kind: 'chainPort', name: 'c/1/p0', bridge: 'br-sfc' },
  ...ready,
  evidence: { ofport: '7', link_state: 'up', mtu: '1500' },
};
const bridge: Condition = { object: { kind: 'bridge', name: 'br-sfc' }, ...ready };

const status: AgentStatus = {
  wallMs: 1_000,
  freshMs: 500,
  ovsdb: { kind: 'synced', endpoint: 'unix:/db.sock' },
  vswitchd: 'alive',
  repair: 'on',
  isReady: false,
  conditions: [bridge, refused, chain, chainPort],
  findings: [],
  pendingCount: 0,
  appliedRounds: 0,
  appliedActions: 0,
  journal: [],
  chains: [chainView(switchView(0, portView('p0', 7), portView('p1', 8)))],
  attach: undefined,
  ovsRunDir: '/run/openvswitch',
};

const cells = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

describe('the list of chains', () => {
  it('has a line for each chain, those that are refused among them', () => {
    expect(cells(formatChains(status)).slice(1)).toEqual([
      ['bad', 'br-sfc', '-', '-', 'failed', 'ChainLoop', 'Frames would circle.'],
      ['c', 'br-sfc', '1', '2', 'ready'],
    ]);
  });

  it('says so when there are none', () => {
    expect(formatChains({ ...status, conditions: [bridge], chains: [] })).toBe('The agent has no chains.\n');
  });
});

describe('the table of conditions', () => {
  it('puts the ports of a chain below it, without repeating its name', () => {
    expect(cells(formatConditions(status.conditions)).slice(1)).toEqual([
      ['br-sfc', 'bridge', 'ready'],
      ['bad', 'chain', 'failed', 'ChainLoop', 'Frames would circle.'],
      ['c', 'chain', 'ready'],
      ['', '1/p0', 'chain port', '7', 'up', '1500', 'ready'],
    ]);
  });

  it('escapes names', () => {
    const hostile: Condition = { ...bridge, object: { kind: 'bridge', name: 'br\u001b[2J' } };
    expect(formatConditions([hostile])).toContain('br\\u001b[2J');
  });
});

describe('a chain by its name', () => {
  it('is found when it is in force', () => {
    expect(findChain(status, 'c').intent.name).toBe('c');
  });

  it('is refused with the reason that the agent gave', () => {
    expect(() => findChain(status, 'bad')).toThrow('Frames would circle.');
  });

  it('is refused with the names that there are', () => {
    expect(() => findChain(status, 'd')).toThrow(expect.objectContaining({ code: 'USAGE', remedy: 'There are: c.' }));
    expect(() => findChain({ ...status, chains: [] }, 'd')).toThrow(
      expect.objectContaining({ remedy: 'The agent has no chains.' }),
    );
  });
});

describe('the age of a status', () => {
  it('counts from the time when a newer one was due', () => {
    expect(isStale(status, 1_500)).toBe(false);
    expect(isStale(status, 1_501)).toBe(true);
  });
});
