/** Child: the client changes one key of one row, `count` times, `window` at once. */
import { OvsdbClient, Transaction } from '../../../src/ovsdb/index.js';
import { argument, report, Stopwatch } from '../measure.js';

const count = Number(argument('count'));
const window = Number(argument('window'));
const columns = argument('monitor') === 'yes' ? ['name', 'external_ids'] : ['name'];
await using client = new OvsdbClient({
  endpoints: [`unix:${argument('socket')}`],
  database: 'Open_vSwitch',
  monitor: { Interface: { columns } },
});
client.start();
await client.synced();
const uuid = [...client.replica.table('Interface').rows()][0]!._uuid;

async function work(first: number, last: number): Promise<void> {
  for (let step = first; step < last; step++) {
    const transaction = new Transaction(client.schema);
    transaction.setKeys('Interface', uuid, 'external_ids', { bench: `${argument('tag')}${step}` });
    await client.transact(transaction);
  }
}

await work(0, Math.min(300, count));
const watch = new Stopwatch();
await Promise.all(Array.from({ length: window }, (_unused, lane) => work(lane * count, lane * count + count / window)));
const { ms, cpuMs } = watch.stop();
report({ ms, cpuMs, perSecond: (count / ms) * 1000 });
