import { describe, expect, it } from 'vitest';
import { arePodsReady, formatPods, sortPods } from '../../src/cli/pods-text.js';
import { bareView, factsOf, nowWallMs, viewOf } from '../attach/pod-facts.js';

const form = { isWide: false, isFailingFirst: false, nowWallMs };
const waiting = factsOf({
  namespace: 'aux',
  name: 'cache',
  attachments: [bareView({ state: 'waiting', reason: 'NotApplied', vf: 9, device: undefined })],
});
const failed = factsOf({
  name: 'web-1',
  attachments: [
    bareView({
      nadKey: 'shop/blue',
      state: 'failed',
      reason: 'RepresentorClaimedTwice',
      message: 'pf0vf3 is held by shop/web-0.',
      ifaceId: 'shop.blue_shop_web-1',
    }),
  ],
});
const bare = factsOf({ name: 'quiet', attachments: [] });
const content = { wallMs: 0, pods: [failed, factsOf(), bare, waiting] };

const firstCells = (text: string): readonly string[] => text.split('\n').map((line) => line.split(/ {2,}/)[0] ?? '');

describe('the table of pods', () => {
  it('is sorted by name, and counts the pods that have nothing to attach', () => {
    expect(formatPods(content, form)).toMatchInlineSnapshot(`
      "POD         NETWORK    VF      REPRESENTOR  STATE    REASON                   AGE
      aux/cache   default    pf0vf9               waiting  NotApplied               5 min
      shop/web-0  default    pf0vf3  pf0vf3       ready                             5 min
      shop/web-1  shop/blue  pf0vf3  pf0vf3       failed   RepresentorClaimedTwice  5 min

      1 pod(s) have nothing to attach.
      "
    `);
  });

  it('can have first what has failed, then what waits', () => {
    expect(firstCells(formatPods(content, { ...form, isFailingFirst: true })).slice(1, 4)).toEqual([
      'shop/web-1',
      'aux/cache',
      'shop/web-0',
    ]);
  });

  it('has more columns when it is wide', () => {
    const lines = formatPods(content, { ...form, isWide: true }).split('\n');
    expect(lines[0]).toMatch(/AGE +OFPORT +MAC +IFACE-ID +SANDBOX +STATUS +MESSAGE$/);
    expect(lines.find((line) => line.startsWith('shop/web-0'))).toMatch(
      / 5 min +7 +0a:58:0a:01:02:03 +shop_web-0 +sandbox-1 +Ready$/,
    );
    expect(lines.find((line) => line.startsWith('shop/web-1'))).toMatch(/ pf0vf3 is held by shop\/web-0\.$/);
  });

  it('says so when there are none', () => {
    expect(formatPods({ wallMs: 0, pods: [] }, form)).toBe('The agent knows of no pods.\n');
    expect(formatPods({ wallMs: 0, pods: [bare] }, form)).toBe('1 pod(s) have nothing to attach.\n');
  });

  it('escapes what drives a terminal', () => {
    const evidence = { attached_mac: '\u001b[2J' };
    const hostile = factsOf({ attachments: [viewOf({ nadKey: 'a\u001b[2J', device: '\nb', evidence })] });
    expect(formatPods({ wallMs: 0, pods: [hostile] }, { ...form, isWide: true })).not.toContain('\u001b');
  });
});

describe('the pods', () => {
  it('are sorted in JSON too', () => {
    expect(sortPods(content.pods).map(({ name }) => name)).toEqual(['cache', 'quiet', 'web-0', 'web-1']);
  });

  it('are ready when every network of every pod is', () => {
    expect(arePodsReady([factsOf(), bare])).toBe(true);
    expect(arePodsReady(content.pods)).toBe(false);
  });
});
