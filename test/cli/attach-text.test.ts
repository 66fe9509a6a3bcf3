import { describe, expect, it } from 'vitest';
import { formatAttach, formatAttachState } from '../../src/cli/attach-text.js';
import { formatStatus } from '../../src/cli/status-text.js';
import { lookWallMs, nowWallMs } from '../attach/pod-facts.js';
import { agentStatus, attachStatus } from './attach-shapes.js';

const failure = (n: number) => ({
  label: `shop/web-${n} network shop/blue`,
  reason: 'RepresentorClaimedTwice',
  message: `pf0vf3 is held by shop/web-0.`,
  device: 'pf0vf3',
});

describe('the pods in the status', () => {
  it('are summed up with the mode, the host cluster, the lease, the clocks and the failures', () => {
    const attach = attachStatus({
      counts: { Ready: 2, RepresentorClaimedTwice: 1, NotApplied: 4 },
      failures: [failure(1)],
      pendingCount: 4,
      statuses: { written: 9, conflicts: 1, failed: 2, inFlight: 1, lastError: 'forbidden\u001b[2J' },
    });
    expect(formatAttach(attach, nowWallMs)).toMatchInlineSnapshot(`
      "Pods of host-a · mode on · host cluster in sync with https://host-api:6443 · lease renewed 5 s ago
        3 pod(s), 7 network(s) to attach: 4 NotApplied, 2 Ready, 1 RepresentorClaimedTwice
        statuses: 9 written, 1 in conflict, 2 failed (last: forbidden\\u001b[2J), 1 on the way · 4 change(s) pending
        ✗ shop/web-1 network shop/blue: RepresentorClaimedTwice: pf0vf3 is held by shop/web-0.
            $ dpuctl why pod shop/web-1
      "
    `);
  });

  it('are part of the whole status only where they are looked at', () => {
    expect(formatStatus(agentStatus())).toContain('Pods of host-a · mode on');
    expect(formatStatus(agentStatus({ attach: undefined }))).not.toContain('Pods of');
  });

  it('show the first failures, and say how many more there are', () => {
    const text = formatAttach(attachStatus({ failures: Array.from({ length: 13 }, (_, n) => failure(n)) }), nowWallMs);
    expect(text.match(/✗/g)).toHaveLength(10);
    expect(text).toContain('… and 3 more: dpuctl pods --failing-first');
  });
});

describe('how the loop stands to the host cluster', () => {
  it.each([
    [
      { cluster: { kind: 'connecting', server: 's', message: 'refused', code: undefined } },
      'not read yet from s: refused',
    ],
    [
      { cluster: { kind: 'stale', server: 's', sinceWallMs: lookWallMs - 58_000, message: 'reset', code: undefined } },
      's silent for 1 min: reset',
    ],
    [{ lease: { kind: 'disabled' } }, '· no lease'],
    [{ lease: { kind: 'unknown', message: 'forbidden' } }, 'lease unknown: forbidden'],
    [{ lease: { kind: 'held', renewedWallMs: undefined, message: 'not able' } }, 'lease not renewed (not able)'],
    [
      { lease: { kind: 'foreign', holder: 'x\u001b', seenWallMs: lookWallMs } },
      String.raw`renewed by x\u001b, last 2 s ago`,
    ],
    [{ clockSkewMs: -2_000 }, 'its clock is 2 s behind'],
    [{ clockSkewMs: 3_600_400 }, 'its clock is 3600 s ahead'],
    [{ nodeName: undefined }, 'Pods of an unnamed node'],
  ] as const)('is said of %j', (over, words) => {
    expect(formatAttachState(attachStatus(over), nowWallMs)).toContain(words);
  });

  it.each([undefined, 0, 1_999, -1_999])('leaves out a clock of which no difference is known: %s', (clockSkewMs) => {
    expect(formatAttachState(attachStatus({ clockSkewMs }), nowWallMs)).not.toContain('clock');
  });
});
