/** Child: the client adds ports one after the other and waits for each to get its number from ovs-vswitchd. */
import { performance } from 'node:perf_hooks';
import { OvsdbClient, Transaction } from '../../../src/ovsdb/index.js';
import { argument, report } from '../measure.js';

await using client = new OvsdbClient({
  endpoints: [`unix:${argument('socket')}`],
  database: 'Open_vSwitch',
  monitor: { Bridge: { columns: ['name', 'ports'] }, Interface: { columns: ['name', 'ofport', 'error'] } },
});
client.start();
await client.synced();
const [bridge] = client.replica.table('Bridge').rows();
if (bridge === undefined) throw new Error('the database is empty');

const commitMs: number[] = [];
const readyMs: number[] = [];
for (let step = 0; step < Number(argument('count')); step++) {
  const name = `bench${argument('tag')}${step}`;
  const start = performance.now();
  const transaction = new Transaction(client.schema);
  const ids = { 'iface-id': `namespace_${name}` };
  const wanted = transaction.insert('Interface', { name, external_ids: ids });
  const port = transaction.insert('Port', { name, interfaces: [wanted] });
  transaction.addToSet('Bridge', bridge._uuid, 'ports', [port]);
  const outcome = await client.transact(transaction);
  commitMs.push(performance.now() - start);
  const uuid = outcome.insertedUuid(wanted);
  if (argument('wait') === 'yes') {
    await client.waitFor((replica) => Number(replica.table('Interface').get(uuid)?.['ofport'] ?? 0) > 0);
  }
  readyMs.push(performance.now() - start);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

report({ commitMs: median(commitMs), readyMs: median(readyMs) });
