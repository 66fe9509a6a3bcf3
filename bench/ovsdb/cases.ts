/** The cases of the OVSDB bench. Each starts its own server, measures all peers in turns, and returns a table. */
import { OvsLab } from '../../test/integration/lab/ovs.js';
import { chosenColumns, fillDatabase } from './fixture.js';
import { type Figures, medianOf, startNode, startPython, timeTool } from './spawn.js';
import { atLeast, atMost, megabytes, median, ms, perSecond, ratio, type Section } from '../table.js';

const schemaFile = '/usr/share/openvswitch/vswitch.ovsschema';

export interface Effort {
  /** How often each figure is taken. */
  readonly rounds: number;
  /** Transactions and updates per round. */
  readonly count: number;
}

async function withDatabase(ports: number, measure: (lab: OvsLab) => Promise<Section>): Promise<Section> {
  await using lab = await OvsLab.start();
  await fillDatabase(lab.socket, ports);
  return await measure(lab);
}

/** The first read of a database of `ports` ports. */
export function sync(ports: number, { rounds }: Effort): Promise<Section> {
  return withDatabase(ports, async ({ socket }) => {
    const bare: Figures[] = [];
    const ours: Figures[] = [];
    const python: Figures[] = [];
    const empty: Figures[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await startNode('sync-bare', { socket }).figures);
      ours.push(await startNode('sync-client', { socket }).figures);
      python.push(await startPython('idl_sync', [socket, schemaFile, JSON.stringify(chosenColumns)]).figures);
      empty.push(await startNode('empty', {}).figures);
    }
    return {
      title: `First read of ${ports} ports, median of ${rounds}`,
      lines: syncLines(ports, bare, ours, python, empty),
    };
  });
}

function syncLines(
  ports: number,
  bare: readonly Figures[],
  ours: readonly Figures[],
  python: readonly Figures[],
  empty: readonly Figures[],
): Section['lines'] {
  const oursMs = medianOf(ours, 'ms');
  const toServer = oursMs / medianOf(bare, 'ms');
  const toPython = medianOf(python, 'ms') / oursMs;
  const emptyRss = medianOf(empty, 'rss');
  const growth = medianOf(ours, 'rssAfter') - emptyRss;
  return [
    { what: 'dump', value: megabytes(medianOf(bare, 'bytes')) },
    { what: 'server: first byte', value: ms(medianOf(bare, 'firstMs')) },
    { what: 'server: last byte (bare socket)', value: ms(medianOf(bare, 'ms')) },
    { what: 'client: in sync', value: ms(oursMs) },
    { what: 'client / server', value: ratio(toServer), target: atMost(toServer, 1.4, 'at most 1.4 x') },
    { what: 'client: processor time', value: ms(medianOf(ours, 'cpuMs')) },
    { what: 'client: longest pause of the event loop', value: ms(medianOf(ours, 'blockMsMax')) },
    { what: 'Python IDL (C parser): in sync', value: ms(medianOf(python, 'ms')) },
    { what: 'Python IDL / client', value: ratio(toPython), target: atLeast(toPython, 4, 'at least 4 x') },
    {
      what: 'client: RSS over an empty process',
      value: megabytes(growth),
      ...(ports > 10_000 ? {} : { target: atMost(growth, 50 * 2 ** 20, 'at most 50 MB (up to 10 000 ports)') }),
    },
    { what: 'client: the same after a collection', value: megabytes(medianOf(ours, 'rssResting') - emptyRss) },
    { what: 'client: peak over an empty process', value: megabytes(medianOf(ours, 'rssPeak') - emptyRss) },
    { what: 'Python IDL: RSS', value: megabytes(medianOf(python, 'rssAfter')) },
  ];
}

/** Transactions per second, one after the other and several at once, with and without their own updates coming back. */
export function transactions({ rounds, count }: Effort): Promise<Section> {
  return withDatabase(1000, async ({ socket }) => {
    const lines: Section['lines'][number][] = [];
    for (const monitor of ['no', 'yes']) {
      for (const window of [1, 16, 64]) {
        const bare: Figures[] = [];
        const ours: Figures[] = [];
        for (let round = 0; round < rounds; round++) {
          const args = { socket, count, window, monitor };
          bare.push(await startNode('transact-bare', { ...args, tag: `b${window}${monitor}${round}-` }).figures);
          ours.push(await startNode('transact-client', { ...args, tag: `c${window}${monitor}${round}-` }).figures);
        }
        const share = medianOf(ours, 'perSecond') / medianOf(bare, 'perSecond');
        const name = `${window} at once${monitor === 'yes' ? ', updates monitored' : ''}`;
        lines.push(
          { what: `${name}: bare socket`, value: perSecond(medianOf(bare, 'perSecond')) },
          { what: `${name}: client`, value: perSecond(medianOf(ours, 'perSecond')) },
          { what: `${name}: client / bare`, value: ratio(share), target: atLeast(share, 0.9, 'at least 0.9 x') },
          { what: `${name}: processor time per transaction`, value: ms(medianOf(ours, 'cpuMs') / count) },
        );
      }
    }
    return { title: `Transactions on one row of 1000, median of ${rounds}`, lines };
  });
}

/** How a peer keeps up with a stream of updates that another process makes. */
export function updates({ rounds, count }: Effort): Promise<Section> {
  return withDatabase(1000, async ({ socket }) => {
    const ours: Figures[] = [];
    const python: Figures[] = [];
    const writers: Figures[] = [];
    for (let round = 0; round < rounds; round++) {
      const follow = async (last: string, follower: ReturnType<typeof startNode>): Promise<Figures> => {
        await follower.ready;
        writers.push(await startNode('writer', { socket, count, last }).figures);
        return follower.figures;
      };
      const oursLast = `ours-${round}`;
      ours.push(await follow(oursLast, startNode('updates-client', { socket, last: oursLast })));
      const pythonLast = `python-${round}`;
      python.push(await follow(pythonLast, startPython('idl_updates', [socket, schemaFile, pythonLast])));
    }
    const oursCpu = medianOf(ours, 'cpuMs');
    const less = medianOf(python, 'cpuMs') / oursCpu;
    return {
      title: `${count} updates made by another client, median of ${rounds}`,
      lines: [
        { what: 'writer', value: perSecond((count / medianOf(writers, 'ms')) * 1000) },
        { what: 'client: messages (the server merges for the slow)', value: medianOf(ours, 'updates').toFixed(0) },
        { what: 'client: processor time', value: ms(oursCpu) },
        { what: 'client: processor time per update', value: ms(oursCpu / count) },
        { what: 'client: longest pause of the event loop', value: ms(medianOf(ours, 'blockMsMax')) },
        { what: 'Python IDL: processor time', value: ms(medianOf(python, 'cpuMs')) },
        // No target: the server merges updates for a slow reader, so this peer may have had less to do.
        { what: 'Python IDL / client', value: ratio(less) },
      ],
    };
  });
}

/** One port from the wish to its number, beside ovs-vsctl. */
export async function addPort(ports: number, { rounds }: Effort): Promise<Section> {
  await using lab = await OvsLab.start({ vswitchd: true });
  await fillDatabase(lab.socket, ports);
  await lab.vsctl('set', 'Open_vSwitch', '.', 'external_ids:bench=filled');
  const count = 10 * rounds;
  const ours = await startNode('add-port-client', { socket: lab.socket, count, wait: 'yes', tag: 'c' }).figures;
  const vsctl: number[] = [];
  const noWait: number[] = [];
  for (let step = 0; step < count; step++) {
    const add = (name: string): string[] => [
      ...['add-port', 'br-int', name, '--', 'set', 'Interface', name, `external_ids:iface-id=namespace_${name}`],
    ];
    vsctl.push(await timeTool(() => lab.vsctl(...add(`v${step}`))));
    noWait.push(await timeTool(() => lab.vsctl('--no-wait', ...add(`n${step}`))));
  }
  const readyMs = ours['readyMs'] ?? NaN;
  const commitMs = ours['commitMs'] ?? NaN;
  const times = median(vsctl) / readyMs;
  return {
    title: `One port added to ${ports}, with ovs-vswitchd (dummy), median of ${count}`,
    lines: [
      { what: 'client: committed', value: ms(commitMs) },
      { what: 'client: ofport seen', value: ms(readyMs) },
      { what: 'ovs-vsctl add-port, waits', value: ms(median(vsctl)) },
      { what: 'ovs-vsctl --no-wait add-port', value: ms(median(noWait)) },
      { what: 'ovs-vsctl / client', value: ratio(times) },
    ],
  };
}
