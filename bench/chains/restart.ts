/**
 * vswitchd is killed and started again, with no flow left: how long from the moment in which the bridge's management
 * socket accepts a connection until all flows of the chains are there.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, quantile, spread, type Section } from '../table.js';
import { FlowWatch } from './flow-watch.js';
import { Panel } from './panel.js';

const targetMs = 100;

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function measure(panel: Panel): Promise<number> {
  await panel.lab.killVswitchd();
  const started = panel.lab.startVswitchd();
  while (!(await accepts(panel.mgmt))) await sleep(0);
  const startMs = performance.now();
  await using watch = new FlowWatch(panel.mgmt);
  await watch.waiters.until(() => watch.outputs.size === 2 * panel.chainCount, 'the flows of all chains');
  const tookMs = performance.now() - startMs;
  await started;
  return tookMs;
}

export async function restartCase(chainCount: number, count: number): Promise<Section> {
  await using panel = await Panel.start(chainCount);
  const samples: number[] = [];
  for (let turn = 0; turn <= count; turn += 1) {
    const sinceMs = Date.now();
    const tookMs = await measure(panel);
    if (turn > 0) samples.push(tookMs);
    await panel.agent.ready(sinceMs, 60_000);
  }
  const target = atMost(quantile(samples, 1), targetMs, `at most ${targetMs} ms`);
  return {
    title: `restart of vswitchd: ${chainCount} chains, ${2 * chainCount} flows (${samples.length} times)`,
    lines: [{ what: 'socket accepts, until all flows are back', value: spread(samples), target }],
  };
}
