import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../src/agent/status.js';
import type { Finding } from '../../src/model/condition.js';
import { DeskWorld } from '../fakes/intent-desk-world.js';

const finding = (reason: Finding['reason'], ...claimants: readonly string[]): Finding => {
  return { reason, object: { kind: 'port', name: 'p0', bridge: 'br-y' }, message: '', claimants, remedy: '' };
};

async function world(): Promise<DeskWorld> {
  const made = new DeskWorld();
  await made.apply({ bundle: { bridges: [{ name: 'br-x' }] } });
  return made;
}

const ready = {
  object: { kind: 'bridge', name: 'br-x' },
  state: 'ready',
  reason: 'Ready',
  message: '',
  evidence: {},
} as const;

describe('the status of an intent', () => {
  it('has the findings that name its owner, and is degraded only by those in which it loses', async () => {
    const made = await world();
    const mine = 'controller fleet-1, port p0 of br-x';
    made.saw([ready], [finding('PortClaimedTwice', mine, 'controller fleet-10, port p0 of br-y')]);
    expect(made.desk.status('fleet-1')).toMatchObject({ phase: 'ready', findings: [{ reason: 'PortClaimedTwice' }] });
    made.saw([ready], [finding('PortClaimedTwice', 'configuration, port p0 of br-y', mine)]);
    expect(made.desk.status('fleet-1')?.phase).toBe('degraded');
    made.saw([ready], [finding('PortClaimedTwice', 'configuration', 'controller fleet-10, port p0 of br-y')]);
    expect(made.desk.status('fleet-1')).toMatchObject({ phase: 'ready', findings: [] });
  });

  it('says of each object that the database is away', async () => {
    const made = await world();
    const status: AgentStatus = {
      ...made.statusOf([], [], made.desk.intents.revision),
      ovsdb: { kind: 'connecting', message: 'no socket', code: 'CONNECT_FAILED' },
    };
    made.desk.setStatus(status);
    expect(made.desk.status('fleet-1')).toMatchObject({
      phase: 'degraded',
      conditions: [{ reason: 'OvsdbUnavailable', message: 'no socket' }],
    });
  });

  it('of an empty bundle is ready', async () => {
    const made = new DeskWorld();
    await made.apply({});
    made.saw([]);
    expect(made.desk.status('fleet-1')?.phase).toBe('ready');
  });
});
