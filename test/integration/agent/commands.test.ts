import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dpuctlFile, ensureBuilt, mainFile } from './build.js';
import { call, type CallResult } from './call.js';
import { Rig, type ConfigInput } from './rig.js';

const bridges = [
  { name: 'br-int', failMode: 'secure', ports: [{ kind: 'internal', name: 'int0', vlan: { tag: 5 } }] },
  { name: 'br-sfc' },
];

interface PlanJson {
  readonly actions: readonly { readonly kind: string; readonly object: { readonly name: string } }[];
}

describe('the commands that look at the switch once', () => {
  let rig: Rig;
  let file: string;
  beforeAll(async () => {
    await ensureBuilt();
    rig = await Rig.start({ vswitchd: true });
    file = join(rig.lab.dir, 'config.yaml');
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const agent = async (input: ConfigInput, ...args: readonly string[]): Promise<CallResult> => {
    await writeFile(file, rig.configText(input));
    return call([process.execPath, mainFile, ...args, '-c', file]);
  };

  it('plan prints what would be changed, exits 3, and changes nothing', async () => {
    const before = await rig.transactions();
    const text = await agent({ bridges }, 'plan');
    expect([text.code, text.stderr]).toEqual([3, '']);
    expect(text.stdout).toContain('+ create bridge br-int');
    expect(text.stdout).toContain('Port tag: 5');
    const json = await agent({ bridges }, 'plan', '--json');
    expect(json.code).toBe(3);
    const { actions } = JSON.parse(json.stdout) as PlanJson;
    expect(actions.map((action) => `${action.kind} ${action.object.name}`)).toContain('createPort int0');
    expect(await rig.transactions()).toEqual(before);
  });

  it('apply --once makes it so, exits 0 when all is ready, and a plan after it is empty and exits 0', async () => {
    const applied = await agent({ bridges }, 'apply', '--once');
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    expect(applied.stdout).toMatch(/^READY/);
    expect(await rig.lab.vsctl('get', 'Port', 'int0', 'tag')).toBe('5\n');
    const planned = await agent({ bridges }, 'plan');
    expect([planned.code, planned.stdout]).toEqual([0, expect.stringContaining('Nothing to change')]);
    const again = await agent({ bridges }, 'apply', '--once', '--json');
    expect(again.code).toBe(0);
    expect((JSON.parse(again.stdout) as { appliedRounds: number }).appliedRounds).toBe(0);
  });

  it('apply --once says what is not ready in time and exits 3', async () => {
    const missing = { kind: 'system', name: 'nodev0' };
    const wanted = [...bridges, { name: 'br-hbn', ports: [missing] }];
    const result = await agent({ bridges: wanted }, 'apply', '--once', '--wait', '3');
    expect(result.code).toBe(3);
    expect(result.stdout).toMatch(/^NOT READY/);
    expect(result.stdout).toMatch(/nodev0 .*NetdevMissing/);
  });

  it('ends with status 1 and a remedy when there is no database, and with 2 when the configuration is wrong', async () => {
    const lost = await call([process.execPath, mainFile, 'plan', '-c', '/nonexistent/config.yaml']);
    expect(lost.code).not.toBe(0);
    expect(lost.stderr).toContain('CONFIG_UNREADABLE');
    const wrong = await agent({ bridges: [{ name: 'a/b' }] }, 'plan');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('bridges[0].name');
  });
});

describe('the commands that need no switch', () => {
  beforeAll(ensureBuilt);
  const run = (...args: readonly string[]): Promise<CallResult> => call([process.execPath, mainFile, ...args]);

  it('config check, show and schema read a file and say what it means', async () => {
    const example = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'ovn-only.yaml');
    const check = await run('config', 'check', example);
    expect([check.code, check.stderr]).toEqual([0, '']);
    expect(check.stdout).toContain('valid; 2 bridge(s)');
    const show = await run('config', 'show', example, '--set', 'log.level=debug');
    expect(show.code).toBe(0);
    expect(show.stdout).toMatch(/level.*debug.*flag/);
    const schema = await run('config', 'schema');
    expect(JSON.parse(schema.stdout)).toHaveProperty('properties.bridges');
  });

  it('version is that of the package', async () => {
    const text = await readFile(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    expect((await run('version')).stdout).toBe(`dpu-node-agent ${version}\n`);
    expect((await call([process.execPath, dpuctlFile, 'version'])).stdout).toBe(`dpuctl ${version}\n`);
  });

  it.each([
    ['an unknown command', ['dance']],
    ['an unknown option', ['plan', '--loud']],
    ['apply without --once', ['apply']],
    ['a wait that is no number', ['apply', '--once', '--wait', 'soon']],
    ['one argument too many', ['plan', 'now']],
  ])('%s exits 2 and points to the help', async (_what, args) => {
    const result = await run(...args);
    expect([result.code, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toMatch(/USAGE.*\n.*--help/);
  });
});

describe('dpuctl', () => {
  const dpuctl = (dir: string, ...args: readonly string[]): Promise<CallResult> =>
    call([process.execPath, dpuctlFile, ...args], { DPU_AGENT_RUN_DIR: dir });

  it('shows the status and the journal of a running agent, and says so when it is gone', async () => {
    await using rig = await Rig.start({ vswitchd: true });
    const agent = await rig.agent({ bridges });
    await agent.ready(0);
    const dir = join(rig.lab.dir, 'agent');
    const status = await dpuctl(dir, 'status');
    expect([status.code, status.stderr]).toEqual([0, '']);
    expect(status.stdout).toMatch(/^READY/);
    expect(status.stdout).toMatch(/As of \d+ s ago\.\n$/);
    const journal = await dpuctl(dir, 'journal');
    expect([journal.code, journal.stderr]).toEqual([0, '']);
    expect(journal.stdout).toMatch(/applied {2}create bridge br-int/);
    const json = JSON.parse((await dpuctl(dir, 'status', '--json')).stdout) as { status: { isReady: boolean } };
    expect(json.status.isReady).toBe(true);
    const ports = await dpuctl(dir, 'get', 'bridges');
    expect(ports.stdout).toMatch(/^br-int .* ready$/m);
    const described = await dpuctl(dir, 'describe', 'bridge', 'br-int');
    expect([described.code, described.stdout]).toEqual([0, expect.stringContaining('bridge br-int\n')]);
    await agent.kill();
    const none = await dpuctl(dir, 'status');
    expect([none.code, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toMatch(/NOT_CONNECTED: no agent answers at unix:.*api\.sock[^]*Start the agent/);
    expect((await dpuctl(dir, 'dance')).code).toBe(2);
  });
});
