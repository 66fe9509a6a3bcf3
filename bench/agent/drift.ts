/**
 * How long a foreign change lives: from the moment somebody else's transaction is sent to the moment a third client sees
 * the agent's repair committed. Beside it, what one `ovs-vsctl add-port` takes on the same switch at the same time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Transaction, type Ref } from '../../src/ovsdb/index.js';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { atMost, ms, quantile, type Line, type Section } from '../table.js';
import { portCountOf, portName, SwitchUnderTest, type BenchClient } from './switch-under-test.js';

export interface Effort {
  /** Foreign changes of each kind. */
  readonly changeCount: number;
  /** Runs of ovs-vsctl. */
  readonly commandCount: number;
}

const targetMs = 50;
/** Between two changes, ms: the agent looks again after it wrote, and a drift that comes alone is what is measured. */
const restMs = 60;

function portRow(client: BenchClient, name: string) {
  const row = [...client.replica.table('Port').rows()].find((entry) => entry['name'] === name);
  if (row === undefined) throw new Error(`there is no port ${name}`);
  return row;
}

/** Somebody sets another VLAN. */
async function breakTag(bench: SwitchUnderTest, name: string): Promise<number> {
  const transaction = new Transaction<OpenVswitchDatabase>(bench.breaker.schema);
  const { _uuid: uuid } = portRow(bench.breaker, name);
  transaction.update('Port', uuid, { tag: 666 });
  const { watcher } = bench;
  let isBroken = false;
  const repaired = bench.until(() => {
    const tag = Number(watcher.replica.table('Port').get(uuid)?.['tag']);
    isBroken ||= tag === 666;
    return isBroken && tag === 100;
  });
  return timed(bench, transaction, repaired);
}

/** Somebody removes a port, as `ovs-vsctl del-port` does. */
async function removePort(bench: SwitchUnderTest, name: string): Promise<number> {
  const transaction = new Transaction<OpenVswitchDatabase>(bench.breaker.schema);
  const [bridge] = [...bench.breaker.replica.table('Bridge').rows()];
  if (bridge === undefined) throw new Error('there is no bridge');
  transaction.removeFromSet('Bridge', bridge._uuid, 'ports', [portRow(bench.breaker, name)._uuid as Ref<'Port'>]);
  const { watcher } = bench;
  const count = portCountOf(watcher);
  let isBroken = false;
  const repaired = bench.until(() => {
    isBroken ||= portCountOf(watcher) < count;
    return isBroken && portCountOf(watcher) === count;
  });
  return timed(bench, transaction, repaired);
}

async function timed(
  bench: SwitchUnderTest,
  transaction: Transaction<OpenVswitchDatabase>,
  repaired: Promise<void>,
): Promise<number> {
  const startMs = performance.now();
  await bench.breaker.transact(transaction);
  await repaired;
  return performance.now() - startMs;
}

async function commandMs(bench: SwitchUnderTest): Promise<number> {
  const startMs = performance.now();
  await bench.lab.vsctl('--no-wait', 'add-port', 'br-int', 'bench0');
  const tookMs = performance.now() - startMs;
  await bench.lab.vsctl('--no-wait', 'del-port', 'br-int', 'bench0');
  return tookMs;
}

async function repeat(count: number, measure: (turn: number) => Promise<number>): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    // The first turns warm up what was just started.
    const tookMs = await measure(turn);
    if (turn >= 3) samples.push(tookMs);
    await sleep(restMs + (turn % 7) * 3);
  }
  return samples;
}

function line(what: string, samples: readonly number[], hasTarget: boolean): Line {
  const [p50, p99] = [quantile(samples, 0.5), quantile(samples, 0.99)];
  const value = `p50 ${ms(p50)}  p99 ${ms(p99)}`;
  return hasTarget ? { what, value, target: atMost(p99, targetMs, `p99 at most ${targetMs} ms`) } : { what, value };
}

/** One case: so many ports, with or without vswitchd. */
export async function drift(portCount: number, hasVswitchd: boolean, effort: Effort): Promise<Section> {
  await using bench = await SwitchUnderTest.start(portCount, hasVswitchd);
  const nameOf = (turn: number): string => portName((turn * 7919) % portCount);
  const tag = await repeat(effort.changeCount, (turn) => breakTag(bench, nameOf(turn)));
  const port = await repeat(effort.changeCount, (turn) => removePort(bench, nameOf(turn)));
  const command = await repeat(effort.commandCount, () => commandMs(bench));
  return {
    title: `drift: ${portCount} ports, ${hasVswitchd ? 'dummy vswitchd' : 'no vswitchd'} (${tag.length} changes each)`,
    lines: [
      line('VLAN changed, until repaired', tag, true),
      line('port removed, until back', port, true),
      line('ovs-vsctl --no-wait add-port, for comparison', command, false),
    ],
  };
}
