import { describe, expect, it } from 'vitest';
import { createDevlinkReader } from '../../src/host/devlink-reader.js';
import { systemClock } from '../../src/lib/clock.js';
import { FakeTool } from '../fakes/fake-tool.js';

const readerOf = (tool: FakeTool, timeoutMs = 30_000): ReturnType<typeof createDevlinkReader> =>
  createDevlinkReader({ clock: systemClock, tool, timeoutMs });

describe('the devlink reader', () => {
  it('asks for ports in JSON', async () => {
    await using tool = await FakeTool.create(
      `echo '{"port":{"pci/0000:03:00.0/1":{"type":"eth","netdev":"p0","flavour":"physical","port":0}}}'`,
    );
    const answer = await readerOf(tool).ports();
    expect(answer).toMatchObject({ kind: 'answered', value: { ports: [{ netdev: 'p0', flavour: 'physical' }] } });
    expect(await tool.calls()).toEqual(['-j port show']);
  });

  it('asks for the eSwitch of each PCI device, and bears one that has none', async () => {
    await using tool = await FakeTool.create(`
case "$*" in
  '-j dev show') echo '{"dev":{"pci/0000:03:00.0":{},"pci/0000:03:00.1":{},"auxiliary/mlx5_core.sf.4":{},"pci/../x":{}}}' ;;
  *03:00.0) echo '{"dev":{"pci/0000:03:00.0":{"mode":"switchdev","inline-mode":"none","encap-mode":"basic"}}}' ;;
  *) echo 'kernel answers: Operation not supported' >&2; exit 1 ;;
esac`);
    const answer = await readerOf(tool).eswitches();
    expect(answer).toMatchObject({ kind: 'answered', value: [{ handle: 'pci/0000:03:00.0', mode: 'switchdev' }] });
    expect(await tool.calls()).toEqual([
      '-j dev show',
      '-j dev eswitch show pci/0000:03:00.0',
      '-j dev eswitch show pci/0000:03:00.1',
    ]);
  });

  it('asks for device information', async () => {
    await using tool = await FakeTool.create(`echo '{"info":{"pci/0000:03:00.0":{"driver":"mlx5_core"}}}'`);
    expect(await readerOf(tool).info()).toMatchObject({ kind: 'answered', value: [{ driver: 'mlx5_core' }] });
  });

  it('gives the reason when the tool is not installed', async () => {
    const reader = createDevlinkReader({ clock: systemClock, tool: { file: '/nonexistent/devlink', args: [] } });
    expect(await reader.ports()).toMatchObject({ kind: 'unavailable', code: 'TOOL_MISSING' });
  });

  it.each([
    ['NOT_SUPPORTED', `echo 'Failed to connect to devlink Netlink' >&2; exit 1`],
    ['REFUSED', `printf 'no\\033[31m luck' >&2; exit 1`],
    ['REFUSED', 'kill -9 $$'],
    ['MALFORMED', 'echo nonsense'],
    ['MALFORMED', `echo '{"dev":{}}'`],
  ])('gives the reason %s for %s', async (code, script) => {
    await using tool = await FakeTool.create(script);
    const answer = await readerOf(tool).ports();
    expect(answer).toMatchObject({ kind: 'unavailable', code });
    expect(JSON.stringify(answer)).not.toContain('\u001b');
  });

  it('does not wait for ever', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    expect(await readerOf(tool, 100).ports()).toMatchObject({ kind: 'unavailable', code: 'TIMED_OUT' });
  });

  it('stops for a caller that has given up', async () => {
    await using tool = await FakeTool.create('exec sleep 1000');
    expect(await readerOf(tool).ports(AbortSignal.abort())).toMatchObject({ kind: 'unavailable', code: 'ABORTED' });
  });
});
