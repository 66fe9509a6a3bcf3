import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it } from 'vitest';
import { ovsdbChannelName, publish } from '../../src/ovsdb/events.js';

it('publishes events to whoever subscribed, and to nobody else', () => {
  const got: unknown[] = [];
  const listener = (message: unknown): number => got.push(message);
  const event = { kind: 'connected', database: 'Lab', endpoint: 'unix:/db.sock' } as const;
  publish(event);
  subscribe(ovsdbChannelName, listener);
  publish(event);
  unsubscribe(ovsdbChannelName, listener);
  publish(event);
  expect(got).toEqual([event]);
});
