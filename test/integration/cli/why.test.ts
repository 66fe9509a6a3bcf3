import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentStatus } from '../../../src/agent/status.js';
import type { PodFacts } from '../../../src/attach/attachment-view.js';
import { databaseText, shellCommand } from '../../../src/attach/shell-command.js';
import { bareView, factsOf, fullEvidence, viewOf } from '../../attach/pod-facts.js';
import { agentStatus, attachStatus } from '../../cli/attach-shapes.js';
import { dpuctlFile, ensureBuilt } from '../agent/build.js';
import { call, type CallResult } from '../agent/call.js';
import { OvsLab } from '../lab/ovs.js';

const ready = factsOf();
const claimed = factsOf({
  name: 'web-1',
  uid: 'uid-web-1',
  attachments: [
    bareView({
      state: 'failed',
      reason: 'RepresentorClaimedTwice',
      message: 'pf0vf3 is held by shop/web-0.',
      heldBy: 'shop/web-0',
      ifaceId: 'shop_web-1',
    }),
  ],
});
const quiet = factsOf({ name: 'quiet', details: 'absent', attachments: [], addressed: [] });

/** Pods as the agent would show them, and a real switch to ask for their flows. */
describe('dpuctl why', () => {
  let lab: OvsLab;
  let dir: string;

  const dpuctl = (...args: readonly string[]): Promise<CallResult> =>
    call([process.execPath, dpuctlFile, ...args, '--run-dir', dir]);

  /** Shows this, as fresh as it can be. */
  async function show(pods: readonly PodFacts[], over: Partial<AgentStatus> = {}): Promise<void> {
    const wallMs = Date.now();
    const status = agentStatus({ wallMs, ovsRunDir: lab.runDir, attach: attachStatus({ wallMs }), ...over });
    await writeFile(join(dir, 'status.json'), JSON.stringify(status));
    await writeFile(join(dir, 'pods.json'), JSON.stringify({ wallMs, nodeName: 'host-a', pods }));
  }

  beforeAll(async () => {
    await ensureBuilt();
    dir = await mkdtemp(join(tmpdir(), 'dpuctl-why-'));
    lab = await OvsLab.start({ vswitchd: true });
    const port = ['--', 'add-port', 'br-int', 'pf0vf3', '--', 'set', 'Interface', 'pf0vf3', 'ofport_request=7'];
    await lab.vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'fail-mode=secure', ...port);
  }, 120_000);

  afterAll(async () => {
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('counts the flows that name the port, straight from the switch', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=0,in_port=7,actions=resubmit(,8)');
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=65,metadata=1,reg15=2,actions=output:7');
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=0,in_port=8,actions=drop');
    await show([ready]);
    const { code, stdout } = await dpuctl('why', 'pod', 'shop/web-0');
    expect(stdout).toContain('network default: READY');
    expect(stdout).toContain('✓ flows        1 take packets from it, 1 send to it');
    expect(code).toBe(0);
  });

  it('finds that the flows are gone although OVN said that they are in', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'del-flows', 'br-int', 'in_port=7');
    await show([ready]);
    const { code, stdout } = await dpuctl('why', 'pod', 'shop/web-0', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ isStale: false, isOk: false, ladders: [{ verdict: 'failed' }] });
    expect(stdout).toContain('no flow of br-int takes packets from port 7');
    expect(code).toBe(3);
  });

  it('explains by what a function is held, and its port by the pods that want it', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=0,in_port=7,actions=resubmit(,8)');
    await show([ready, claimed]);
    const pod = await dpuctl('why', 'pod', 'shop/web-1');
    expect(pod.stdout).toContain('✗ claim        pf0vf3 is held by shop/web-0.');
    expect(pod.stdout).toContain('$ dpuctl why pod shop/web-0');
    expect(pod.code).toBe(3);
    const port = await dpuctl('why', 'port', 'pf0vf3');
    expect(port.stdout).toMatch(
      /pod shop\/web-0\n\nnetwork default: READY[^]*pod shop\/web-1\n\nnetwork default: FAILED at claim/,
    );
    expect(port.code).toBe(3);
  });

  it('tells a pod with nothing to attach from one that is not listed', async () => {
    await show([ready, quiet]);
    const nothing = await dpuctl('why', 'pod', 'shop/quiet');
    expect(nothing.stdout).toContain('NOTHING TO ATTACH');
    expect(nothing.code).toBe(0);
    const missing = await dpuctl('why', 'pod', 'shop/web-00');
    expect(missing.stdout).toContain('Pod shop/web-00 is not listed on node host-a.');
    expect(missing.stdout).toContain('there are: shop/web-0');
    expect(missing.code).toBe(3);
  });

  it('does not call anything ready that a silent agent said', async () => {
    await show([ready], { wallMs: Date.now() - 3_600_000 });
    for (const args of [['why', 'pod', 'shop/web-0'], ['pods'], ['why', 'port', 'pf0vf3']]) {
      const { code, stdout } = await dpuctl(...args);
      expect(stdout).toContain('STALE: as of 3600 s ago');
      expect(code).toBe(3);
    }
    const { stderr } = await dpuctl('why', 'pod', 'shop/web-0', '--json');
    expect(stderr).toContain('STALE');
  });

  it('says that the pods are not looked at', async () => {
    await show([], { attach: undefined });
    const { code, stderr } = await dpuctl('why', 'pod', 'shop/web-0');
    expect(stderr).toContain('does not look at the pods');
    expect(code).toBe(1);
  });

  it('lists the pods with the state of the host cluster', async () => {
    await show([ready, claimed, quiet]);
    const { code, stdout } = await dpuctl('pods', '--failing-first');
    expect(stdout).toMatch(
      /^Pods of host-a · mode on · [^\n]+\n\nPOD +NETWORK[^\n]+\nshop\/web-1 [^\n]+\nshop\/web-0 /,
    );
    expect(stdout).toContain('1 pod(s) have nothing to attach.');
    expect(code).toBe(3);
    await show([ready]);
    expect((await dpuctl('pods')).code).toBe(0);
  });

  it('proposes commands that the real tools understand, odd names among them', async () => {
    const odd = viewOf({ reason: 'InterfaceError', state: 'failed', message: 'no', device: '-x"y' });
    const plain = viewOf({
      nadKey: 'shop/b',
      reason: 'IfaceIdTaken',
      state: 'failed',
      message: 'no',
      evidence: fullEvidence,
    });
    await show([factsOf({ attachments: [odd, plain] })]);
    const { stdout } = await dpuctl('why', 'pod', 'shop/web-0', '--json');
    const { ladders } = JSON.parse(stdout) as {
      ladders: { rungs: { diagnosis?: { command: string } }[] }[];
    };
    const commands = ladders.flatMap(({ rungs }) => rungs.flatMap(({ diagnosis }) => diagnosis?.command ?? []));
    expect(commands).toHaveLength(2);
    for (const command of commands) {
      const env = { OVS_RUNDIR: lab.runDir, PATH: '/usr/bin:/bin' };
      const run = await call(['/usr/bin/timeout', '10', '/bin/sh', '-c', command], env);
      expect(run).toMatchObject({ code: 0, stderr: '' });
    }
    const name = `other"name's`;
    await lab.vsctl('set', 'Interface', 'pf0vf3', `external_ids:iface-id=${JSON.stringify(name)}`);
    const find = shellCommand(
      'ovs-vsctl',
      '--columns=name',
      'find',
      'Interface',
      `external_ids:iface-id=${databaseText(name)}`,
    );
    const found = await call(['/bin/sh', '-c', find ?? 'false'], { OVS_RUNDIR: lab.runDir });
    expect(found.stdout).toContain('pf0vf3');
  });
});
