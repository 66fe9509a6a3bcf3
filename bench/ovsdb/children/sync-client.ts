/** Child: the client reads the database once. `phase=` chooses what it is read for. */
import process from 'node:process';
import { OvsdbClient } from '../../../src/ovsdb/index.js';
import { chosenColumns } from '../fixture.js';
import { argument, report, restingRss, Stopwatch } from '../measure.js';

const rssBefore = process.memoryUsage().rss;
const monitor = Object.fromEntries(Object.entries(chosenColumns).map(([table, columns]) => [table, { columns }]));
const watch = new Stopwatch();
const client = new OvsdbClient({ endpoints: [`unix:${argument('socket')}`], database: 'Open_vSwitch', monitor });
client.start();
await client.synced();
const times = watch.stop();
const rssPeak = process.resourceUsage().maxRSS * 1024;
const rssAfter = process.memoryUsage().rss;
const rows = client.replica.table('Interface').size + client.replica.table('Port').size;
report({ ...times, rows, rssBefore, rssAfter, rssPeak, rssResting: restingRss() });
await client.close();
