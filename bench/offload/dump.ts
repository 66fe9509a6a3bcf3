/** A large dump over a control socket: the same bytes read by this library and by ovs-appctl with grep. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, megabytes, ms, perSecond, type Line, type Section } from '../table.js';
import { DumpServer } from './dump-server.js';
import { dumpPieces, offloadedOf } from './dump-text.js';
import { grepFile, readByAppctl, readByLibrary, type Reading } from './readers.js';

export async function dump(flowCount: number, rounds: number): Promise<Section> {
  const wire = dumpPieces(flowCount, '\\n');
  await using server = await DumpServer.start(wire);
  const size = wire.reduce((sum, piece) => sum + piece.length, 0);
  const lines = [
    ...(await figures('stream and parse', flowCount, rounds, () => readByLibrary(server.path, 'stream'))),
    ...(await figures('call, split and parse', flowCount, rounds, () => readByLibrary(server.path, 'call'))),
    ...(await figures('ovs-appctl | grep -c', flowCount, rounds, () => readByAppctl(server.path))),
    ...(await fileFigures(flowCount, rounds)),
  ];
  return { title: `A dump of ${flowCount} flows, ${megabytes(size)}, over a unix socket, ${rounds} times`, lines };
}

async function figures(
  what: string,
  flowCount: number,
  rounds: number,
  read: () => Promise<Reading>,
): Promise<readonly Line[]> {
  const readings: Reading[] = [];
  for (let round = 0; round < rounds; round += 1) readings.push(await read());
  const wrong = readings.find(({ offloaded }) => offloaded !== offloadedOf(flowCount));
  if (wrong !== undefined) throw new Error(`${what} found ${wrong.offloaded} flows in hardware`);
  const medianMs = median(readings.map((reading) => reading.ms));
  const peak = Math.max(...readings.map((reading) => reading.peak));
  return [
    { what, value: ms(medianMs) },
    { what: '  flows', value: perSecond((flowCount * 1000) / medianMs) },
    ...(Number.isNaN(peak) ? [] : [{ what: '  largest resident set', value: megabytes(peak) }]),
  ];
}

async function fileFigures(flowCount: number, rounds: number): Promise<readonly Line[]> {
  const dir = await mkdtemp(join(tmpdir(), 'dump-'));
  try {
    const file = join(dir, 'dump.txt');
    await writeFile(file, Buffer.concat([...dumpPieces(flowCount, '\n')]));
    return await figures('grep -c over a file', flowCount, rounds, () => grepFile(file));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
