/** Child: the same changes over a bare socket: texts are made by hand, replies are counted. */
import { rawCall } from '../../../test/integration/lab/raw-ovsdb.js';
import { BareSocket } from '../bare-socket.js';
import { argument, report, Stopwatch } from '../measure.js';

const count = Number(argument('count'));
const window = Number(argument('window'));
const select = { op: 'select', table: 'Interface', where: [], columns: ['_uuid'] };
const [found] = (await rawCall(argument('socket'), 'transact', ['Open_vSwitch', select])) as [
  { rows: { _uuid: [string, string] }[] },
];
const uuid = found.rows[0]?._uuid;
const socket = await BareSocket.open(argument('socket'));
const isMonitored = argument('monitor') === 'yes';
const columns = isMonitored ? ['name', 'external_ids'] : ['name'];
const requests = { Interface: [{ columns }] };
await socket.call('monitor_cond_since', ['Open_vSwitch', 'bench', requests, '00000000-0000-0000-0000-000000000000']);

function request(step: number): string {
  const mutations = [
    ['external_ids', 'delete', ['set', ['bench']]],
    ['external_ids', 'insert', ['map', [['bench', `${argument('tag')}${step}`]]]],
  ];
  const operation = { op: 'mutate', table: 'Interface', where: [['_uuid', '==', uuid]], mutations };
  return JSON.stringify({ id: step, method: 'transact', params: ['Open_vSwitch', operation] });
}

/** Each transaction brings its reply, and its update where that is monitored. */
const messagesEach = isMonitored ? 2 : 1;

function run(first: number, total: number, lanes: number): Promise<void> {
  return new Promise((resolve) => {
    let sent = first;
    let messages = 0;
    const send = (): void => {
      if (sent < first + total) socket.write(request(sent++));
    };
    socket.onMessage = () => {
      if (++messages === total * messagesEach) resolve();
      else if (messages % messagesEach === 0) send();
    };
    for (let lane = 0; lane < lanes; lane++) send();
  });
}

await run(0, 300, 1);
const watch = new Stopwatch();
await run(1000, count, window);
const { ms, cpuMs } = watch.stop();
report({ ms, cpuMs, perSecond: (count / ms) * 1000 });
socket.close();
