/**
 * One end of a steady stream of datagrams, as a process of its own in a network namespace: `echo PORT` sends everything
 * back; `send ADDRESS PORT RATE` sends numbered datagrams and keeps which came back. It answers each line on its standard
 * input with one line of JSON; after `end` it stops sending and waits for stragglers first.
 */

import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

/** As much as the kernel gives: the process may have to wait for a processor. */
const bufferBytes = 4 << 20;
/** After a pause of the process the stream goes on at its rate, rather than with a burst that no queue holds. */
const catchUpCountMax = 20;
/** Nothing has come back for this long: nothing will. */
const silenceMs = 1_000;

const [role = '', ...args] = process.argv.slice(2);
const socket = createSocket('udp4');
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

function echo(port: number): void {
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(port, () => {
    socket.setRecvBufferSize(bufferBytes);
    say('ready');
  });
}

/** `[first, last]` of each run of numbers that did not come back. */
function gaps(sent: number, returned: ReadonlySet<number>): readonly (readonly [number, number])[] {
  const list: [number, number][] = [];
  for (let n = 0; n < sent; n += 1) {
    if (returned.has(n)) continue;
    const last = list.at(-1);
    if (last?.[1] === n - 1) last[1] = n;
    else list.push([n, n]);
  }
  return list;
}

function send(address: string, port: number, perSecond: number): void {
  const returned = new Set<number>();
  let [sent, duplicates, baseMs, baseCount] = [0, 0, 0, 0];
  let heardMs = 0;
  socket.on('message', (message) => {
    const sequence = message.readUInt32BE(0);
    heardMs = performance.now();
    if (returned.has(sequence)) duplicates += 1;
    returned.add(sequence);
  });
  const tick = (): void => {
    const due = baseCount + Math.floor(((performance.now() - baseMs) * perSecond) / 1_000);
    const count = Math.min(due - sent, catchUpCountMax);
    for (let n = 0; n < count; n += 1) {
      const message = Buffer.alloc(64);
      message.writeUInt32BE(sent, 0);
      socket.send(message, port, address);
      sent += 1;
    }
    if (sent < due) [baseMs, baseCount] = [performance.now(), sent];
  };
  const report = (): unknown => {
    return { sent, lost: sent - returned.size, duplicates, gaps: gaps(sent, returned).slice(0, 10) };
  };
  socket.bind(0, () => {
    socket.setRecvBufferSize(bufferBytes);
    baseMs = performance.now();
    const timer = setInterval(tick, 1);
    createInterface(process.stdin).on('line', (line) => {
      if (line === 'count') {
        say({ sent, returned: returned.size });
        return;
      }
      clearInterval(timer);
      const endMs = performance.now();
      const wait = setInterval(() => {
        const isQuiet = performance.now() - Math.max(heardMs, endMs) > silenceMs;
        if (returned.size < sent && !isQuiet) return;
        clearInterval(wait);
        say(report());
        socket.close();
        process.stdin.destroy();
      }, 5);
    });
    say('ready');
  });
}

const [first = '', second = '', third = ''] = args;
if (role === 'echo') echo(Number(first));
else send(first, Number(second), Number(third));
