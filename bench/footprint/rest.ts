/** What an agent at rest holds and does, as lines of the report. */
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, megabytes, ms, type Line } from '../table.js';
import type { Effort } from './effort.js';
import type { IdleAgent } from './idle-agent.js';

/** Of one core. */
const cpuShareMax = 0.003;

/** @param rssMbMax on Node 20; the Node 24 of the image takes 15 to 20 MB more for the same program */
export async function atRest(agent: IdleAgent, rssMbMax: number, effort: Effort): Promise<Line[]> {
  await sleep(effort.settleMs);
  const { rssBytes, anonymousBytes, peakBytes } = agent.memory();
  const { cpuMs, diskBytes, writeCalls, wakeUps } = await agent.during(effort.idleMs);
  const seconds = effort.idleMs / 1000;
  const share = cpuMs / effort.idleMs;
  return [
    { what: 'start to ready', value: ms(agent.readyMs) },
    {
      what: 'resident at rest (of it anonymous; at most ever)',
      value: `${megabytes(rssBytes)} (${megabytes(anonymousBytes)}; ${megabytes(peakBytes)})`,
      target: atMost(rssBytes, rssMbMax * 2 ** 20, `under ${rssMbMax} MB`),
    },
    {
      what: `idle for ${seconds} s: processor, of one core`,
      value: `${(share * 100).toFixed(2)} %`,
      target: atMost(share, cpuShareMax, 'under 0.3 %'),
    },
    {
      what: `idle for ${seconds} s: written to disk`,
      value: `${diskBytes} bytes`,
      target: atMost(diskBytes, 0, 'nothing'),
    },
    { what: 'idle: woken', value: `${(wakeUps / seconds).toFixed(1)} /s` },
    { what: 'idle: write calls, to sockets and within the process', value: `${(writeCalls / seconds).toFixed(1)} /s` },
  ];
}

export async function scraped(agent: IdleAgent, { scrapeCount }: Effort): Promise<Line> {
  const before = agent.doings();
  let bodyBytes = 0;
  for (let turn = 0; turn < scrapeCount; turn += 1) bodyBytes = await agent.scrape();
  const { rssBytes } = agent.memory();
  const eachMs = agent.since(before).cpuMs / scrapeCount;
  return {
    what: `${scrapeCount} scrapes of ${(bodyBytes / 1024).toFixed(0)} KB: processor each; resident after them`,
    value: `${ms(eachMs)}; ${megabytes(rssBytes)}`,
  };
}
