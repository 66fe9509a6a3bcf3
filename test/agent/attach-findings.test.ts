import { describe, expect, it } from 'vitest';
import { clusterFindings, modeVerdict } from '../../src/agent/attach-findings.js';
import type { AttachMode } from '../../src/agent/attach-outcome.js';
import type { ClusterState, LeaseState } from '../../src/agent/attach-ports.js';

const held: LeaseState = { kind: 'held', renewedWallMs: 1, message: undefined };
const synced: ClusterState = { kind: 'synced', server: 'https://host' };

interface Scene {
  readonly mode?: AttachMode;
  readonly lease?: LeaseState;
  readonly cluster?: ClusterState;
  readonly skewMs?: number;
  readonly nodeName?: string;
}

function findings({ mode = 'on', lease = held, cluster = synced, skewMs, nodeName }: Scene) {
  const onChange = () => () => undefined;
  return clusterFindings('br-int', mode, {
    lease: {
      state: () => lease,
      clockSkewMs: () => skewMs,
      setNodeName: () => undefined,
      setAble: () => undefined,
      onChange,
    },
    pods: {
      state: () => cluster,
      snapshot: () => undefined,
      nodeName: () => nodeName,
      setNodeName: () => undefined,
      onChange,
    },
  });
}

describe('the findings on the host cluster', () => {
  it('are none while all is well', () => {
    expect(findings({})).toEqual([]);
    expect(findings({ skewMs: -9_999 })).toEqual([]);
  });

  it('name the other writer of the lease, and the node', () => {
    const lease: LeaseState = { kind: 'foreign', holder: 'ovnkube', seenWallMs: 1 };
    expect(findings({ mode: 'leaseForeign', lease, nodeName: 'worker-3' })).toMatchObject([
      { reason: 'LeaseForeign', message: expect.stringContaining('worker-3') as string, claimants: ['ovnkube'] },
    ]);
    expect(findings({ mode: 'leaseForeign', lease })[0]?.message).toContain('this DPU');
    expect(findings({ mode: 'observe', lease })).toEqual([]);
  });

  it('say why nobody knows who renews the lease', () => {
    const lease: LeaseState = { kind: 'unknown', message: 'forbidden' };
    expect(findings({ mode: 'leaseUnknown', lease })).toMatchObject([{ reason: 'LeaseUnknown', message: 'forbidden' }]);
  });

  it('say at once that the lease cannot be kept, while pods are still being told of', () => {
    const lease: LeaseState = { kind: 'held', renewedWallMs: 1, message: 'does not accept the credentials' };
    expect(findings({ lease })).toMatchObject([
      { reason: 'ClusterUnavailable', message: 'does not accept the credentials' },
    ]);
    const cluster: ClusterState = { kind: 'connecting', server: 'https://host', message: 'no route', code: undefined };
    expect(findings({ lease, cluster })).toMatchObject([{ reason: 'ClusterUnavailable', message: 'no route' }]);
  });

  it.each<ClusterState>([
    { kind: 'stale', server: 'https://host', sinceWallMs: 1, message: 'no route', code: 'CONNECT_FAILED' },
    { kind: 'connecting', server: 'https://host', message: 'no route', code: undefined },
  ])('say that the cluster cannot be reached ($kind)', (cluster) => {
    expect(findings({ cluster })).toMatchObject([{ reason: 'ClusterUnavailable', message: 'no route' }]);
  });

  it.each([
    [11_000, 'more than 10 s ahead of'],
    [-61_000, 'more than a minute behind'],
    [-3_600_000, 'more than five minutes behind'],
    [7_200_000, 'more than an hour ahead of'],
    [-200_000_000, 'more than a day behind'],
  ])('say that the clocks differ by %d ms', (skewMs, words) => {
    const [finding, ...others] = findings({ skewMs });
    expect(finding?.reason).toBe('ClockSkewed');
    expect(finding?.message).toContain(words);
    expect(others).toEqual([]);
  });

  it('say the same of readings of the skew that differ by the time of the answers', () => {
    const messages = [40_100, 39_400, 41_900].map((skewMs) => findings({ skewMs })[0]?.message);
    expect(new Set(messages).size).toBe(1);
  });
});

describe('what is said of a port that the mode keeps from being made', () => {
  it.each<[AttachMode, string | undefined]>([
    ['observe', 'ReadOnly'],
    ['leaseForeign', 'LeaseForeign'],
    ['leaseUnknown', 'LeaseUnknown'],
    ['standby', 'ReadOnly'],
    ['bootGrace', 'ReadOnly'],
    ['on', undefined],
    ['blind', undefined],
  ])('%s', (mode, reason) => {
    const verdict = modeVerdict(mode, held);
    expect(verdict?.reason).toBe(reason);
    if (verdict !== undefined) expect(verdict).toMatchObject({ state: 'waiting', isFinal: false });
  });

  it('tells the operator what the API server said of the lease, and the tenant nothing', () => {
    const verdict = modeVerdict('leaseUnknown', { kind: 'unknown', message: 'leases is forbidden' });
    expect(verdict?.message).toBe('leases is forbidden');
    expect(verdict?.publicReason).not.toContain('leases');
  });
});
