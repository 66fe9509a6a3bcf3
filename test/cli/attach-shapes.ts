/** What the agent shows of itself while it looks after pods, for tests of the commands that print it. */

import type { AgentStatus, AttachStatus } from '../../src/agent/status.js';
import { attachOf, lookWallMs } from '../attach/pod-facts.js';

export function attachStatus(over: Partial<AttachStatus> = {}): AttachStatus {
  return {
    ...attachOf(),
    cluster: { kind: 'synced', server: 'https://host-api:6443' },
    podCount: 3,
    counts: { Ready: 2 },
    failures: [],
    pendingCount: 0,
    ...over,
    statuses: { written: 2, conflicts: 0, failed: 0, inFlight: 0, lastError: undefined, ...over.statuses },
  };
}

export function agentStatus(over: Partial<AgentStatus> = {}): AgentStatus {
  return {
    wallMs: lookWallMs,
    oldestLookWallMs: over.wallMs ?? lookWallMs,
    freshMs: 60_000,
    ovsdb: { kind: 'synced', endpoint: 'unix:/db.sock' },
    vswitchd: 'alive',
    repair: 'on',
    isReady: true,
    conditions: [],
    findings: [],
    pendingCount: 0,
    appliedRounds: 0,
    appliedActions: 0,
    journal: [],
    chains: [],
    attach: attachStatus(),
    ovsRunDir: '/nonexistent/openvswitch',
    ...over,
  };
}
