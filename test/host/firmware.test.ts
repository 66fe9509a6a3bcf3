import { afterEach, describe, expect, it } from 'vitest';
import { createDevlinkReader } from '../../src/host/devlink-reader.js';
import { readFirmware } from '../../src/host/firmware.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';

const tools: FakeTool[] = [];
const tool = async (body: string): Promise<FakeTool> => {
  const made = await FakeTool.create(body);
  tools.push(made);
  return made;
};

async function firmware(devlinkBody: string, ethtoolBody: string, device: string | undefined) {
  const [devlink, ethtool] = await Promise.all([tool(devlinkBody), tool(ethtoolBody)]);
  const reader = createDevlinkReader({ clock: systemClock, tool: devlink });
  const version = await readFirmware(device, { clock: systemClock, devlink: reader, ethtool });
  return { version, asked: await ethtool.calls() };
}

const info = (handle: string, running: object): string =>
  `echo '${JSON.stringify({ info: { [handle]: { driver: 'mlx5_core', versions: { running } } } })}'`;
const ethtool = (version: string): string =>
  `printf 'driver: mlx5_core\\nversion: 6\\nfirmware-version: ${version}\\n'`;

describe('the version of the firmware', () => {
  afterEach(async () => {
    await Promise.all(tools.splice(0).map((each) => each[Symbol.asyncDispose]()));
  });

  it('is what devlink says is running, and ethtool is not asked', async () => {
    const answer = await firmware(info('pci/0000:03:00.0', { 'fw.version': '32.41.1000' }), ethtool('1'), 'p0');
    expect(answer).toEqual({ version: '32.41.1000', asked: [] });
  });

  it('is what ethtool says of the uplink where devlink does not know', async () => {
    const answer = await firmware('exit 1', ethtool('24.35.1012 (MT_0000000884)'), 'p0');
    expect(answer).toEqual({ version: '24.35.1012 (MT_0000000884)', asked: ['-i p0'] });
    const auxiliary = await firmware(info('auxiliary/mlx5_core.sf.2', { 'fw.version': '9' }), ethtool('2.0'), 'p0');
    expect(auxiliary.version).toBe('2.0');
  });

  it.each([
    ['neither knows', 'exit 1', 'exit 1', 'p0'],
    ['the driver has none', 'exit 1', ethtool(''), 'p0'],
    ['the driver says so', 'exit 1', ethtool('N/A'), 'p0'],
    ['there is no uplink', 'exit 1', ethtool('1.0'), undefined],
    ['the name is no name of a device', 'exit 1', ethtool('1.0'), '-x'],
  ])('is not known when %s', async (_words, devlinkBody, ethtoolBody, device) => {
    expect((await firmware(devlinkBody, ethtoolBody, device)).version).toBeUndefined();
  });
});
