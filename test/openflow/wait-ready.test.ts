import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import type { ClientState, OpenFlowEvents } from '../../src/openflow/events.js';
import { waitReady } from '../../src/openflow/wait-ready.js';

class FakeClient extends EventEmitter<OpenFlowEvents> {
  state: ClientState = { kind: 'connecting' };
  become(state: ClientState): void {
    this.state = state;
    this.emit('state', state);
  }
}

const features = { datapathId: 1n, buffers: 0, tables: 1, capabilities: 0 };
const noError = (): undefined => undefined;

describe('waitReady', () => {
  it('waits through failures until there is a session, and leaves no listener behind', async () => {
    const client = new FakeClient();
    const waiting = waitReady(client, systemClock, {}, noError);
    client.become({ kind: 'waiting', error: new Error('refused') });
    client.become({ kind: 'ready', version: 6, features });
    expect(await waiting).toBe(features);
    expect(client.listenerCount('state')).toBe(0);
  });

  it('says what failed last when the time is over', async () => {
    const cause = new Error('refused');
    const waiting = waitReady(new FakeClient(), systemClock, { deadlineMs: 1 }, () => cause);
    await expect(waiting).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', cause });
  });

  it('ends with the client and with the signal', async () => {
    const client = new FakeClient();
    const closed = waitReady(client, systemClock, {}, noError);
    client.become({ kind: 'closed' });
    await expect(closed).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    const giveUp = new AbortController();
    const aborted = waitReady(new FakeClient(), systemClock, { signal: giveUp.signal }, noError);
    giveUp.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
