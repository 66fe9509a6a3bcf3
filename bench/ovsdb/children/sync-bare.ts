/** Child: the server's own time for the same dump, to the first and to the last byte. Nothing is parsed. */
import { performance } from 'node:perf_hooks';
import { BareSocket } from '../bare-socket.js';
import { chosenColumns } from '../fixture.js';
import { argument, report } from '../measure.js';

const start = performance.now();
const socket = await BareSocket.open(argument('socket'));
let firstMs = 0;
let bytes = 0;
socket.onChunk = (chunk) => {
  if (bytes === 0) firstMs = performance.now() - start;
  bytes += chunk.length;
};
const requests = Object.fromEntries(Object.entries(chosenColumns).map(([table, columns]) => [table, [{ columns }]]));
await socket.call('monitor_cond_since', ['Open_vSwitch', 'bench', requests, '00000000-0000-0000-0000-000000000000']);
report({ ms: performance.now() - start, firstMs, bytes });
socket.close();
