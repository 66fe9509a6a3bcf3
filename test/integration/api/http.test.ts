/** The HTTP side of the real daemon, asked by curl, promtool and a real server of Prometheus. */

import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from '../../../src/sandbox/agent-process.js';
import { call } from '../agent/call.js';
import { Rig, writeDevice } from '../agent/rig.js';
import { eventually } from '../lab/daemon.js';
import { Prometheus } from './prometheus-server.js';
import { addressesOf, Folder } from './stage.js';

interface Said {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

interface Ready {
  readonly isReady: boolean;
  readonly reasons: readonly { readonly object: string; readonly reason: string; readonly message: string }[];
}

let rig: Rig;
let agent: AgentProcess;
let base: string;

async function curl(path: string, ...args: readonly string[]): Promise<Said> {
  const format = '\n%{http_code} %{content_type}';
  const { code, stdout, stderr } = await call(['curl', '-sS', '--max-time', '10', '-w', format, ...args, base + path]);
  if (code !== 0) throw new Error(`curl: ${stderr}`);
  const end = stdout.lastIndexOf('\n');
  const [status = '', ...type] = stdout.slice(end + 1).split(' ');
  return { status: Number(status), type: type.join(' '), body: stdout.slice(0, end) };
}

const json = async <T>(path: string): Promise<T> => JSON.parse((await curl(path)).body) as T;
const readyz = async (): Promise<Ready & { readonly status: number }> => {
  const { status, body } = await curl('/readyz');
  return { status, ...(JSON.parse(body) as Ready) };
};

function promtool(input: string): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', ['check', 'metrics'], (error, stdout, stderr) => {
      if (error !== null && typeof error.code === 'string') reject(new Error(`promtool: ${error.code}`));
      else resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

const device = { kind: 'system', name: 'dev0' };

beforeAll(async () => {
  // The device comes later.
  rig = await Rig.start({ vswitchd: true });
  const bridges = [{ name: 'br-int', ports: [{ kind: 'internal', name: 'int0', vlan: { tag: 5 } }, device] }];
  agent = await rig.agent({ bridges });
  base = (await addressesOf(agent)).http;
});
afterAll(() => rig[Symbol.asyncDispose]());

describe('over HTTP', () => {
  it('the agent is ready when the switch is right, not before, and not after a device has gone', async () => {
    const missing = (reasons: Ready['reasons']): boolean =>
      reasons.some(({ object, reason }) => object.includes('dev0') && reason === 'NetdevMissing');
    const early = await eventually(async () => {
      const said = await readyz();
      return missing(said.reasons) && said;
    }, 'it says what is missing');
    expect(early).toMatchObject({ status: 503, isReady: false });
    await writeDevice(rig.root, 'dev0', 10);
    await eventually(async () => (await readyz()).status === 200, 'it is ready');
    expect((await rig.lab.vsctl('list-ports', 'br-int')).trim().split('\n').sort()).toEqual(['dev0', 'int0']);
    expect(await readyz()).toMatchObject({ isReady: true, reasons: [] });
    await rig.removeDevice('dev0');
    const late = await eventually(async () => {
      const said = await readyz();
      return said.status === 503 && said;
    }, 'it is not ready any more');
    expect(missing(late.reasons)).toBe(true);
    expect((await curl('/healthz')).status).toBe(200);
    expect((await curl('/livez')).status).toBe(200);
    await writeDevice(rig.root, 'dev0', 11);
    await eventually(async () => (await readyz()).status === 200, 'it is ready again');
  });

  it('the topology and the rest are those of the switch', async () => {
    const { objects } = await json<{
      objects: readonly {
        ref: { name: string; kind: string };
        port?: { tag: number; interfaces: readonly { ofport: number }[] };
      }[];
    }>('/api/v1/topology?kind=port');
    expect(objects.map(({ ref }) => ref.name).sort()).toEqual(['br-int', 'dev0', 'int0']);
    const port = objects.find(({ ref }) => ref.name === 'int0')?.port;
    const ofport = Number(await rig.lab.vsctl('get', 'Interface', 'int0', 'ofport'));
    expect([port?.tag, port?.interfaces[0]?.ofport]).toEqual([5, ofport]);
    const document = await json<{ paths: Readonly<Record<string, unknown>> }>('/api/v1/openapi.json');
    const paths = Object.keys(document.paths).filter((path) => path.startsWith('/api/v1/'));
    expect(paths.length).toBeGreaterThan(8);
    for (const path of paths) {
      const said = await curl(path);
      expect([path, said.status, said.type]).toEqual([path, 200, 'application/json; charset=utf-8']);
    }
    const journal = await json<{ entries: readonly { summary: string; actor: string }[] }>('/api/v1/journal');
    expect(journal.entries).toContainEqual(expect.objectContaining({ actor: 'agent' }));
    expect((await curl('/api/v1/none')).status).toBe(404);
    expect((await curl('/api/v1/intents', '-X', 'POST', '-d', '{}')).status).toBe(405);
  });

  it('promtool finds nothing wrong with the metrics, in either form', async () => {
    const { status, type, body } = await curl('/metrics');
    expect([status, type]).toEqual([200, expect.stringContaining('text/plain')]);
    expect(await promtool(body)).toEqual({ code: 0, output: '' });
    const open = await curl('/metrics', '-H', 'accept: application/openmetrics-text; version=1.0.0');
    expect(open.type).toContain('application/openmetrics-text');
    expect(open.body.trimEnd().endsWith('# EOF')).toBe(true);
    expect(body).toMatch(/^dpu_agent_ready 1$/m);
  });

  it('a server of Prometheus finds it up, and sees when it is not ready', async () => {
    await using folder = await Folder.make();
    const target = base.replace('http://', '');
    const server = await Prometheus.start(folder.dir, [
      { job_name: 'dpu-node-agent', static_configs: [{ targets: [target] }] },
    ]);
    try {
      const value = async (expr: string): Promise<string | undefined> => (await server.query(expr))[0]?.value[1];
      await eventually(async () => (await value('count_over_time(up[1m])')) === '3', 'three scrapes');
      expect(await value('min_over_time(up[1m])')).toBe('1');
      expect(await value('dpu_agent_ready')).toBe('1');
      const repairs = Number((await value('sum(dpu_agent_repairs_total)')) ?? '0');
      await rig.lab.vsctl('del-port', 'br-int', 'int0');
      const repaired = async (): Promise<boolean> =>
        Number((await value('sum(dpu_agent_repairs_total)')) ?? '0') > repairs;
      await eventually(repaired, 'the repair is counted');
      expect((await rig.lab.vsctl('list-ports', 'br-int')).trim().split('\n').sort()).toEqual(['dev0', 'int0']);
      await agent.kill();
      await eventually(async () => (await value('up')) === '0', 'it is seen to be down');
      const stale = async (): Promise<boolean> => (await server.query('dpu_agent_ready')).length === 0;
      await eventually(stale, 'its series are gone with it');
    } finally {
      await server.stop();
    }
  });
});
