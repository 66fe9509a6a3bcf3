/** Child: the client follows a stream of updates until the last one. */
import process from 'node:process';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import { argument, report, Stopwatch } from '../measure.js';

await using client = new OvsdbClient({
  endpoints: [`unix:${argument('socket')}`],
  database: 'Open_vSwitch',
  monitor: { Interface: { columns: ['name', 'external_ids'] }, Open_vSwitch: { columns: ['external_ids'] } },
});
client.start();
await client.synced();
process.stdout.write('ready\n');
const watch = new Stopwatch();
await client.waitFor(
  (replica) => {
    const [root] = replica.table('Open_vSwitch').rows();
    return (root?.['external_ids'] as ReadonlyMap<string, string>).get('bench') === argument('last');
  },
  { deadlineMs: 120_000 },
);
const times = watch.stop();
report({ ...times, updates: client.stats.updates });
