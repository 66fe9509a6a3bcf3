import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Door } from '../../../src/api/grpc/door.js';
import { grpcLimits } from '../../../src/api/grpc/limits.js';
import { systemClock } from '../../../src/lib/clock.js';

function socketFrom(remoteAddress: string): Socket {
  const socket = Object.assign(new EventEmitter(), { remoteAddress, destroy: () => socket.emit('close') });
  return socket as unknown as Socket;
}

describe('a crowded door', () => {
  it('closes to the address that has most, and to its oldest', () => {
    const dropped: Socket[] = [];
    const limits = { ...grpcLimits, unfinishedMax: 4 };
    const door = new Door({ clock: systemClock, limits, onDropped: (_why, socket) => dropped.push(socket) });
    const honest = socketFrom('192.0.2.1');
    const crowd = Array.from({ length: 10 }, () => socketFrom('192.0.2.66'));
    door.enter(honest);
    for (const socket of crowd) door.enter(socket);
    expect(dropped).toEqual(crowd.slice(0, 7));
    door.clear();
  });
});
