/** Child: changes one key of many rows as fast as the server takes it, then writes the mark that ends the stream. */
import { rawCall } from '../../../test/integration/lab/raw-ovsdb.js';
import { BareSocket } from '../bare-socket.js';
import { argument, report, Stopwatch } from '../measure.js';

const count = Number(argument('count'));
const last = argument('last');
const select = { op: 'select', table: 'Interface', where: [], columns: ['_uuid'] };
const [found] = (await rawCall(argument('socket'), 'transact', ['Open_vSwitch', select])) as [
  { rows: { _uuid: [string, string] }[] },
];

function setKey(table: string, where: readonly unknown[], value: string): object {
  const mutations = [
    ['external_ids', 'delete', ['set', ['bench']]],
    ['external_ids', 'insert', ['map', [['bench', value]]]],
  ];
  return { op: 'mutate', table, where, mutations };
}

const socket = await BareSocket.open(argument('socket'));
const watch = new Stopwatch();
let sent = 0;
let replies = 0;
await new Promise<void>((resolve) => {
  const send = (): void => {
    if (sent >= count) return;
    const where = [['_uuid', '==', found.rows[sent % found.rows.length]?._uuid]];
    sent += 1;
    const operation = setKey('Interface', where, `${last}-${sent}`);
    socket.write(JSON.stringify({ id: sent, method: 'transact', params: ['Open_vSwitch', operation] }));
  };
  socket.onMessage = () => {
    replies += 1;
    if (replies === count) resolve();
    else send();
  };
  for (let lane = 0; lane < 64; lane++) send();
});
await socket.call('transact', ['Open_vSwitch', setKey('Open_vSwitch', [], last)]);
report(watch.stop());
socket.close();
