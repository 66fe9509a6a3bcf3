import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BridgeSessions } from '../../../src/adapters/bridge-sessions.js';
import { SwitchChainLooker } from '../../../src/adapters/chain-looker.js';
import { SwitchFlowCounter } from '../../../src/adapters/flow-counter.js';
import { SwitchPacketTracer } from '../../../src/adapters/packet-tracer.js';
import { AgentExplainer } from '../../../src/agent/explainer.js';
import type { AgentStatus } from '../../../src/agent/status.js';
import { explainService } from '../../../src/api/services/explain.js';
import type { PodFacts } from '../../../src/attach/attachment-view.js';
import { databaseText, shellCommand } from '../../../src/attach/shell-command.js';
import { systemClock } from '../../../src/lib/clock.js';
import { bareView, factsOf, fullEvidence, viewOf } from '../../attach/pod-facts.js';
import { agentStatus, attachStatus } from '../../cli/attach-shapes.js';
import { served, TestServer } from '../../cli/grpc-server.js';
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

/** Pods as the agent would know them, and a real switch to ask for their flows. */
describe('dpuctl why', () => {
  let lab: OvsLab;
  let server: TestServer;
  let pods: readonly PodFacts[] = [];
  let status: AgentStatus = agentStatus();

  const dpuctl = (...args: readonly string[]): Promise<CallResult> =>
    call([process.execPath, dpuctlFile, ...args, '--run-dir', server.runDir]);

  /** The agent knows this from now on. */
  function show(known: readonly PodFacts[], over: Partial<AgentStatus> = {}): void {
    const wallMs = Date.now();
    pods = known;
    status = agentStatus({ wallMs, ovsRunDir: lab.runDir, attach: attachStatus({ wallMs }), ...over });
  }

  beforeAll(async () => {
    await ensureBuilt();
    lab = await OvsLab.start({ vswitchd: true });
    const port = ['--', 'add-port', 'br-int', 'pf0vf3', '--', 'set', 'Interface', 'pf0vf3', 'ofport_request=7'];
    await lab.vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'fail-mode=secure', ...port);
    const sessions = new BridgeSessions(lab.runDir, systemClock, Math.random);
    const explainer = new AgentExplainer({
      status: { current: () => status, pods: () => pods, onChange: () => () => undefined },
      journal: { tail: () => [] },
      flows: new SwitchFlowCounter(sessions, systemClock),
      tracer: new SwitchPacketTracer(lab.runDir, systemClock, sessions),
      looker: new SwitchChainLooker(sessions, systemClock),
      observedPort: () => undefined,
      clock: systemClock,
    });
    const { service, handlers } = explainService(explainer);
    server = await TestServer.start(served(service, handlers));
  }, 120_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await lab.stop();
  });

  it('counts the flows that name the port, straight from the switch', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=0,in_port=7,actions=resubmit(,8)');
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=65,metadata=1,reg15=2,actions=output:7');
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=0,in_port=8,actions=drop');
    show([ready]);
    const { code, stdout } = await dpuctl('why', 'pod', 'shop/web-0');
    expect(stdout).toContain('network default: READY');
    expect(stdout).toContain('✓ flows        1 take packets from it, 1 send to it');
    expect(code).toBe(0);
  });

  it('finds that the flows are gone although OVN said that they are in', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'del-flows', 'br-int', 'in_port=7');
    show([ready]);
    const { code, stdout } = await dpuctl('why', 'pod', 'shop/web-0', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      explanation: { isOk: false, ladders: [{ verdict: 'VERDICT_FAILED' }] },
    });
    expect(stdout).toContain('no flow of br-int takes packets from port 7');
    expect(code).toBe(3);
  });

  it('explains by what a function is held, and its port by the pods that want it', async () => {
    await lab.ofctl('-O', 'OpenFlow15', 'add-flow', 'br-int', 'table=0,in_port=7,actions=resubmit(,8)');
    show([ready, claimed]);
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
    show([ready, quiet]);
    const nothing = await dpuctl('why', 'pod', 'shop/quiet');
    expect(nothing.stdout).toContain('NOTHING TO ATTACH');
    expect(nothing.code).toBe(0);
    const missing = await dpuctl('why', 'pod', 'shop/web-00');
    expect(missing.stdout).toContain('Pod shop/web-00 is not listed on node host-a.');
    expect(missing.stdout).toContain('there are: shop/web-0');
    expect(missing.code).toBe(3);
  });

  it('says of a switch that does not answer that nobody was asked', async () => {
    show([ready], { attach: attachStatus({ wallMs: Date.now(), bridge: 'br-gone' }) });
    const { code, stdout } = await dpuctl('why', 'pod', 'shop/web-0');
    expect(stdout).toContain('? flows        not asked: bridge br-gone does not answer');
    expect(code).toBe(0);
  });

  it('asks the switch once for many who ask the same', async () => {
    show([ready]);
    const runs = await Promise.all(Array.from({ length: 3 }, () => dpuctl('why', 'pod', 'shop/web-0')));
    for (const { code, stdout } of runs) expect([code, stdout]).toEqual([0, expect.stringContaining('take packets')]);
  });

  it('says that the pods are not looked at', async () => {
    show([], { attach: undefined });
    const { code, stderr } = await dpuctl('why', 'pod', 'shop/web-0');
    expect(stderr).toContain('does not look at the pods');
    expect(code).toBe(1);
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
    show([factsOf({ attachments: [odd, plain] })]);
    const { stdout } = await dpuctl('why', 'pod', 'shop/web-0', '--json');
    const { explanation } = JSON.parse(stdout) as {
      explanation: { ladders: { rungs: { diagnosis?: { command: string } }[] }[] };
    };
    const commands = explanation.ladders.flatMap(({ rungs }) =>
      rungs.flatMap(({ diagnosis }) => diagnosis?.command ?? []),
    );
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
