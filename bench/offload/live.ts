/** A real ovs-vswitchd with flows in its datapath: what a dump costs the daemon is the same for everybody, the rest is not. */
import { UnixctlSession } from '../../src/unixctl/index.js';
import { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { median, megabytes, ms, type Section } from '../table.js';
import { readByAppctl, readByLibrary } from './readers.js';

export async function live(flowCount: number, rounds: number): Promise<Section> {
  await using lab = await OvsLab.start({ vswitchd: true });
  const session = new UnixctlSession(lab.runDir);
  try {
    await lab.vsctl('add-br', 'br0', '--', 'add-port', 'br0', 'p1', '--', 'add-port', 'br0', 'p2');
    // Flows that no OpenFlow rule stands behind are removed otherwise.
    await session.call('revalidator/pause');
    for (let index = 0; index < flowCount; index += 1) {
      const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
      const flow = `recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(src=${address},frag=no)`;
      await session.call('dpctl/add-flow', [flow, '2']);
    }
    const socket = `${lab.runDir}/ovs-vswitchd.${lab.vswitchdPid ?? 0}.ctl`;
    const library = await repeat(rounds, () => readByLibrary(socket, 'stream'));
    const appctl = await repeat(rounds, () => readByAppctl(socket));
    const { roundTripMs } = await session.ask('dpctl/dump-flows', ['-m']);
    return {
      title: `A dump of ${flowCount} flows of a real ovs-vswitchd, ${rounds} times`,
      lines: [
        { what: 'stream and parse', value: ms(median(library.map((reading) => reading.ms))) },
        { what: '  of it until the first byte, the daemon at work', value: ms(roundTripMs) },
        { what: '  processor time of the reader', value: ms(median(library.map((reading) => reading.cpuMs))) },
        { what: '  largest resident set', value: megabytes(Math.max(...library.map((reading) => reading.peak))) },
        { what: 'ovs-appctl | grep -c', value: ms(median(appctl.map((reading) => reading.ms))) },
      ],
    };
  } finally {
    session.close();
  }
}

async function repeat<T>(rounds: number, read: () => Promise<T>): Promise<readonly T[]> {
  const readings: T[] = [];
  for (let round = 0; round < rounds; round += 1) readings.push(await read());
  return readings;
}
