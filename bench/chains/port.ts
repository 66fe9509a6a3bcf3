/**
 * A port of a chain is deleted and made again with another OpenFlow number, in one transaction, as the CNI of a restarted
 * pod does: how long until the flows name the new number.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenVswitchDatabase } from '../../src/gen/open-vswitch.js';
import { OvsdbClient } from '../../src/ovsdb/index.js';
import { atMost, quantile, spread, type Section } from '../table.js';
import { FlowWatch } from './flow-watch.js';
import { bridgeName, Panel, portLabel, portName } from './panel.js';

const targetMs = 50;
/** Between two changes, ms: a port that comes alone is what is measured. */
const restMs = 40;

interface Sample {
  /** From sending the transaction to the flows. */
  readonly totalMs: number;
  /** From the new number's being in the database to the flows: the agent's part. */
  readonly agentMs: number;
}

type OvsdbWatch = OvsdbClient<OpenVswitchDatabase>;

function connect(panel: Panel): OvsdbWatch {
  const client = new OvsdbClient<OpenVswitchDatabase>({
    endpoints: [`unix:${panel.lab.socket}`],
    database: 'Open_vSwitch',
    monitor: { Interface: { columns: ['name', 'ofport'] }, Port: { columns: ['name'] } },
  });
  client.start();
  return client;
}

/** Resolves in the very turn in which the database says that the interface has this number. */
function numbered(client: OvsdbWatch, name: string, ofport: number): Promise<void> {
  const test = (): boolean =>
    [...client.replica.table('Interface').rows()].some(
      (row) => row['name'] === name && Number(row['ofport']) === ofport,
    );
  return new Promise((resolve) => {
    if (test()) {
      resolve();
      return;
    }
    const off = client.onChange(() => {
      if (!test()) return;
      off();
      resolve();
    });
  });
}

async function recreate(panel: Panel, client: OvsdbWatch, number: number, ofport: number): Promise<void> {
  const name = portName(number);
  const old = [...client.replica.table('Port').rows()].find((row) => row['name'] === name);
  if (old === undefined) throw new Error(`there is no port ${name}`);
  const labels = ['map', [['dpf-id', portLabel(number)]]];
  const of = (uuid: string): unknown => ['set', [['named-uuid', uuid]]];
  const mutations = [
    ['ports', 'delete', ['set', [['uuid', old._uuid]]]],
    ['ports', 'insert', of('newport')],
  ];
  await panel.lab.rawCall('transact', [
    'Open_vSwitch',
    {
      op: 'insert',
      table: 'Interface',
      'uuid-name': 'newif',
      row: { name, ofport_request: ofport, external_ids: labels },
    },
    { op: 'insert', table: 'Port', 'uuid-name': 'newport', row: { name, interfaces: of('newif') } },
    { op: 'mutate', table: 'Bridge', where: [['name', '==', bridgeName]], mutations },
    { op: 'mutate', table: 'Open_vSwitch', where: [], mutations: [['next_cfg', '+=', 1]] },
  ]);
}

async function measure(panel: Panel, client: OvsdbWatch, watch: FlowWatch, turn: number): Promise<Sample> {
  const chain = (turn * 7919) % panel.chainCount;
  const [still, moved] = [2 * chain + 1, 2 * chain + 2];
  // Never a number that was used before.
  const ofport = 1_000 + turn;
  let knownMs = 0;
  const known = numbered(client, portName(moved), ofport).then(() => (knownMs = performance.now()));
  const isFollowed = (): boolean => watch.outputs.get(still) === ofport && watch.outputs.get(ofport) === still;
  const followed = watch.waiters.until(isFollowed, `flows with the number ${ofport}`);
  const startMs = performance.now();
  await recreate(panel, client, moved, ofport);
  await followed;
  const endMs = performance.now();
  await known;
  return { totalMs: endMs - startMs, agentMs: Math.max(0, endMs - knownMs) };
}

export async function portCase(chainCount: number, count: number): Promise<Section> {
  await using panel = await Panel.start(chainCount);
  await using watch = new FlowWatch(panel.mgmt);
  await watch.waiters.until(() => watch.outputs.size === 2 * chainCount, 'the flows of all chains');
  const client = connect(panel);
  const samples: Sample[] = [];
  try {
    await client.synced();
    for (let turn = 0; turn < count + 5; turn += 1) {
      const sample = await measure(panel, client, watch, turn);
      // The first turns warm up what was just started.
      if (turn >= 5) samples.push(sample);
      await sleep(restMs + (turn % 7) * 3);
    }
  } finally {
    await client.close();
  }
  const totals = samples.map(({ totalMs }) => totalMs);
  const target = atMost(quantile(totals, 0.99), targetMs, `p99 at most ${targetMs} ms`);
  return {
    title: `port: made again with another number, ${chainCount} chains (${samples.length} times)`,
    lines: [
      { what: 'transaction sent, until the flows follow', value: spread(totals), target },
      { what: 'of it, since the number is in the database', value: spread(samples.map(({ agentMs }) => agentMs)) },
    ],
  };
}
