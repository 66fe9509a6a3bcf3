/** Reads one dump: `socket=PATH how=stream|call`. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { FlowDumpParser, UnixctlClient, type DatapathFlow } from '../../../src/unixctl/index.js';
import { argument, report, Stopwatch } from '../../ovsdb/measure.js';

// As much as a dump may have: one text is what streams are measured against.
const client = await UnixctlClient.connect(argument('socket'), { textSizeMax: 256 << 20 });
const parser = new FlowDumpParser();
let offloaded = 0;
let packets = 0;

function count(flow: DatapathFlow | undefined): void {
  if (flow === undefined) return;
  packets += flow.packets;
  if (flow.offloaded === 'yes') offloaded += 1;
}

const restingRss = process.memoryUsage().rss;
const watch = new Stopwatch();
if (argument('how') === 'stream') {
  for await (const lines of client.stream('dpctl/dump-flows', ['-m']).batches()) {
    for (const line of lines) count(parser.push(line));
  }
} else {
  const text = await client.call('dpctl/dump-flows', ['-m']);
  for (const line of text.split('\n')) count(parser.push(line));
}
const { ms, cpuMs, blockMsMax } = watch.stop();
client.close();
// getrusage(2) would tell the peak of the process that started this one, if that was larger.
const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
const { flows, unknown } = parser.counts;
report({ ms, cpuMs, blockMsMax, peak, restingRss, flows, unknown: unknown.count, offloaded, packets });
