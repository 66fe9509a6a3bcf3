import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/status.js';
import { formatAge, formatJournalEntry, formatStatus, formatSummary } from '../../src/cli/status-text.js';
import type { Condition } from '../../src/model/condition.js';

const ready: Condition = {
  object: { kind: 'bridge', name: 'br-int' },
  state: 'ready',
  reason: 'Ready',
  message: 'As intended.',
  evidence: {},
};
const broken: Condition = {
  object: { kind: 'port', name: 'p0', bridge: 'br-int' },
  state: 'failed',
  reason: 'LinkDown',
  message: 'The link is down.',
  evidence: { ofport: '1', link_state: 'down', mtu: '1500' },
};
const entry = {
  sequence: 1,
  wallMs: 0,
  kind: 'change',
  actor: 'agent',
  summary: 'repair port p0 on br-int',
  details: [],
  outcome: 'applied',
  message: undefined,
  tookMs: 12.34,
} as const;
const status: AgentStatus = {
  wallMs: 0,
  oldestLookWallMs: 0,
  freshMs: 60_000,
  ovsdb: { kind: 'synced', endpoint: 'unix:/db.sock' },
  vswitchd: 'alive',
  repair: 'on',
  isReady: false,
  conditions: [ready, broken],
  findings: [],
  pendingCount: 0,
  appliedRounds: 1,
  appliedActions: 1,
  journal: [entry],
  chains: [],
  attach: undefined,
  ovsRunDir: '/run/openvswitch',
};

describe('the status as text', () => {
  it('begins with whether all is ready and with the state of the peers', () => {
    expect(formatSummary(status)).toBe('NOT READY · OVSDB in sync with unix:/db.sock · vswitchd alive\n');
    expect(formatSummary({ ...status, isReady: true, repair: 'standby' })).toMatch(/^READY .* · mode standby\n$/);
    const lost = { kind: 'connecting', message: 'nobody listens', code: 'CONNECT_FAILED' } as const;
    expect(formatSummary({ ...status, ovsdb: lost })).toContain('OVSDB nobody listens');
  });

  it('says at its beginning that pods have no network, for READY does not speak of them', () => {
    const failure = { reason: 'LinkRefused', message: 'EPERM', device: 'rep0-1' };
    const of = (...labels: readonly string[]): string =>
      formatSummary({ ...status, isReady: true, attach: { failures: labels.map((label) => ({ ...failure, label })) } });
    expect(of()).toMatch(/^READY · OVSDB /);
    expect(of('shop/web', 'shop/web network shop/blue')).toMatch(/^READY · 1 pod without network · OVSDB /);
    expect(of('shop/web', 'shop/db')).toMatch(/^READY · 2 pods without network · /);
    expect(of(...Array.from({ length: 50 }, (_, index) => `shop/web-${index}`))).toMatch(
      /^READY · at least 50 pods without network · /,
    );
  });

  it('has a line for each object, with the reason only where something is wrong', () => {
    const lines = formatStatus(status).split('\n');
    expect(lines.find((line) => line.startsWith('br-int'))).toMatch(/^br-int +bridge +ready$/);
    expect(lines.find((line) => line.startsWith('  p0'))).toMatch(
      /^ {2}p0 +system +1 +down +1500 +failed +LinkDown +The link is down\.$/,
    );
  });

  it('ends with findings and the newest changes, as many as are asked for', () => {
    const finding = {
      reason: 'ForeignPort',
      object: broken.object,
      message: 'M.',
      claimants: [],
      remedy: 'R.',
    } as const;
    const text = formatStatus({ ...status, findings: [finding], journal: [{ ...entry, summary: 'old' }, entry] }, 1);
    expect(text).toContain('! ForeignPort: M.\n    R.\n');
    expect(text).toContain('repair port p0');
    expect(text).not.toContain('old');
    expect(formatStatus(status, 0)).not.toContain('Last changes');
  });

  it('tells of a change when it was, what came of it, and why not', () => {
    expect(formatJournalEntry(entry)).toBe('1970-01-01T00:00:00.000Z  applied  repair port p0 on br-int  12.3 ms\n');
    expect(formatJournalEntry({ ...entry, outcome: 'refused', message: 'no' })).toMatch(/refused .* \(no\)\n$/);
    expect(formatJournalEntry({ ...entry, actor: 'uid 7' })).toMatch(/ms {2}by uid 7\n$/);
  });

  it('calls an old status stale', () => {
    expect(formatAge(2_400, 60_000)).toBe('As of 2 s ago.\n');
    expect(formatAge(-500, 60_000)).toBe('As of 0 s ago.\n');
    expect(formatAge(60_001, 60_000)).toMatch(/^STALE: as of 60 s ago/);
  });
});
