import { expect, it } from 'vitest';
import { addTraffic, zeroStats } from '../../src/ovsdb/stats.js';

it('adds the traffic of each connection to the counters', () => {
  const stats = zeroStats();
  addTraffic(stats, { bytesIn: 1, bytesOut: 2, messagesIn: 3, messagesOut: 4 });
  addTraffic(stats, { bytesIn: 10, bytesOut: 20, messagesIn: 30, messagesOut: 40 });
  expect(stats).toEqual({ ...zeroStats(), bytesIn: 11, bytesOut: 22, messagesIn: 33, messagesOut: 44 });
});
