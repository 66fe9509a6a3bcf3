import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localAddresses, qdiscKinds, readAddresses, readQdiscs } from '../../src/host/link-facts.js';
import type { JsonObject } from '../../src/host/tool-answer.js';
import { systemClock } from '../../src/lib/clock.js';

const rowsOf = (name: string): readonly JsonObject[] =>
  JSON.parse(
    readFileSync(join(import.meta.dirname, '../fixtures/host-offload', name), 'utf8'),
  ) as readonly JsonObject[];

const nothing = {
  clock: systemClock,
  signal: new AbortController().signal,
  tool: { file: '/nonexistent/tool', args: [] },
};

describe('queueing disciplines', () => {
  it('are told by device, each kind once', () => {
    expect(Object.fromEntries(qdiscKinds(rowsOf('tc-qdisc.json')))).toEqual({
      lo: ['noqueue'],
      'eth0-1': ['noqueue', 'clsact'],
      'rep0-1': ['noqueue', 'ingress'],
      'rep0-2': ['htb'],
    });
    const queues = [...Array(100).keys()].map(() => ({ dev: 'p0', kind: 'fq_codel' }));
    expect([...qdiscKinds([{ dev: 'p0', kind: 'mq' }, ...queues])]).toEqual([['p0', ['mq', 'fq_codel']]]);
  });

  it('are bounded and escaped', () => {
    const rows = [...Array(100).keys()].map((n) => ({ dev: 'p0', kind: `k${n}\u001b${'x'.repeat(99)}` }));
    const kinds = qdiscKinds([...rows, { dev: 5, kind: 'x' }, { dev: 'p1' }]).get('p0') ?? [];
    expect(kinds).toHaveLength(16);
    expect(kinds.join('')).not.toContain('\u001b');
    expect(kinds[0]?.length).toBeLessThan(64);
  });

  it('are unknown without tc', async () => {
    expect(await readQdiscs(nothing)).toEqual({ kind: 'unknown', why: 'the tool tc cannot be started here (ENOENT)' });
  });
});

describe('addresses', () => {
  it('are those of all devices, also of one that is down', () => {
    expect(localAddresses(rowsOf('ip-addr.json'))).toEqual(
      new Set([
        '127.0.0.1',
        '::1',
        '192.0.2.1',
        '2001:db8::1',
        '198.51.100.7',
        'fe80::bcab:99ff:fe26:d6fe',
        'fe80::2013:d6ff:feb6:77eb',
      ]),
    );
  });

  it('are none of what is no address', () => {
    expect(localAddresses([{}, { addr_info: 5 }, { addr_info: [null, {}, { local: 7 }] }]).size).toBe(0);
  });

  it('are unknown without ip', async () => {
    expect(await readAddresses(nothing)).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('ip') as string,
    });
  });
});
