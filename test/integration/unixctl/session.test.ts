/** The client against a real daemon that restarts, stands still, and has much to say. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FlowDumpParser, UnixctlSession } from '../../../src/unixctl/index.js';
import { eventually } from '../lab/daemon.js';
import { OvsLab } from '../lab/ovs.js';

let lab: OvsLab;
let session: UnixctlSession;

beforeEach(async () => {
  lab = await OvsLab.start({ vswitchd: true });
  session = new UnixctlSession(lab.runDir);
});

afterEach(async () => {
  session.close();
  await lab.stop();
});

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );

describe('a session with a real ovs-vswitchd', () => {
  it('follows it over a restart, and recognises the pid file that a crash left', async () => {
    expect(await session.call('version')).toContain('ovs-vswitchd');
    expect(session.incarnation).toEqual({ pid: lab.vswitchdPid, number: 1 });
    await lab.killVswitchd();
    await eventually(async () => (await codeOf(session.call('version'))) === 'NOT_CONNECTED', 'a dead pid file');
    await lab.startVswitchd();
    expect(await session.has('upcall/show')).toBe(true);
    expect(session.incarnation).toEqual({ pid: lab.vswitchdPid, number: 2 });
    await lab.killVswitchd('SIGTERM');
    await eventually(async () => (await codeOf(session.call('version'))) === 'NOT_CONNECTED', 'no pid file');
  });

  it('gives up on one that stands still, throws its late answer away, and goes on', async () => {
    await session.call('version');
    process.kill(lab.vswitchdPid!, 'SIGSTOP');
    const stopped = codeOf(session.call('memory/show', [], { deadlineMs: 50 }));
    expect(await stopped).toBe('DEADLINE_EXCEEDED');
    expect(session.busyMs).toBeGreaterThan(0);
    // Whoever asks now waits behind the answer that is still due.
    const next = session.call('version');
    expect(session.counts).toMatchObject({ stale: 0, expired: 1 });
    process.kill(lab.vswitchdPid!, 'SIGCONT');
    expect(await next).toContain('ovs-vswitchd');
    expect(session.counts).toMatchObject({ stale: 1, sent: 3, answered: 2 });
    expect(session.incarnation?.number).toBe(1);
  });

  it('serves two callers one after the other: the daemon never has two commands', async () => {
    process.kill(lab.vswitchdPid!, 'SIGSTOP');
    const first = session.call('version');
    const second = session.ask('memory/show');
    await eventually(() => session.busyMs !== undefined, 'a command in the hands of the daemon');
    expect(session.counts.sent).toBe(1);
    process.kill(lab.vswitchdPid!, 'SIGCONT');
    expect(await first).toContain('ovs-vswitchd');
    expect((await second).text).toContain('idl-cells');
    expect(session.counts.sent).toBe(2);
    expect((await second).waitedMs).toBeGreaterThan(0);
  });

  it('reports the refusal of an unknown command in the words of the daemon', async () => {
    await expect(session.call('nonesuch/show')).rejects.toMatchObject({
      code: 'UNIXCTL_REFUSED',
      message: expect.stringContaining('"nonesuch/show" is not a valid command') as string,
    });
  });

  it('streams thousands of flows in bounded memory, each of them as ovs-appctl prints it', async () => {
    const bounded = new UnixctlSession(lab.runDir, 'ovs-vswitchd', { bufferedSizeMax: 4096 });
    try {
      await lab.vsctl('add-br', 'br0', '--', 'add-port', 'br0', 'p1', '--', 'add-port', 'br0', 'p2');
      await lab.vsctl('set', 'Open_vSwitch', '.', 'other_config:max-idle=600000');
      // Flows that no OpenFlow rule stands behind are removed otherwise. Not listed by list-commands, but known.
      await session.call('revalidator/pause');
      const count = 3000;
      for (let index = 0; index < count; index += 1) {
        const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
        const flow = `recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(src=${address},frag=no)`;
        await session.call('dpctl/add-flow', [flow, '2']);
      }
      const parser = new FlowDumpParser();
      const matches = new Set<string>();
      const stream = bounded.stream('dpctl/dump-flows', ['-m']);
      for await (const line of stream) {
        const flow = parser.push(line);
        if (flow !== undefined) matches.add(flow.match);
      }
      expect(parser.counts).toMatchObject({ unknown: { count: 0 } });
      expect(stream.facts?.sizeBytes).toBeGreaterThan(count * 100);
      const printed = await lab.appctl('dpctl/dump-flows', '-m');
      const lines = printed.split('\n').filter((line) => line.includes('packets:'));
      expect(parser.counts.flows).toBe(lines.length);
      expect(lines.length).toBeGreaterThanOrEqual(count);
      for (const line of lines) expect(matches.has(line.split(', ')[1] ?? '')).toBe(true);
    } finally {
      bounded.close();
    }
  });
});
