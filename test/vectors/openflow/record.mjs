// Records what the real ovs-ofctl sends and prints for the flow shapes of flows.mjs, into flows.json beside this file:
//   node test/vectors/openflow/record.mjs
// For each flow and version it runs
//   ovs-ofctl -O OpenFlow1N -mmmmm add-flow unix:SOCKET FLOW      (the bytes, from the hex dump; xid set to zero)
//   ovs-ofctl ofp-print HEX                                       (the text of the whole message)
// against a private ovs-vswitchd with the dummy datapath. Nothing is left behind.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { commands, flows, flows14 } from './flows.mjs';

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), 'ofv-'));
const env = {
  PATH: `/usr/sbin:/usr/bin:/sbin:/bin`,
  OVS_RUNDIR: dir,
  OVS_LOGDIR: dir,
  OVS_DBDIR: dir,
  OVS_SYSCONFDIR: dir,
};
const children = [];
const versions = ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'];

async function tool(file, ...args) {
  const { stdout } = await run(file, args, { env, timeout: 20_000, maxBuffer: 64 << 20 });
  return stdout;
}

function daemon(file, ...args) {
  children.push(spawn(file, args, { env, stdio: 'ignore' }));
}

async function until(condition) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the private Open vSwitch did not come up');
}

async function startSwitch() {
  mkdirSync(join(dir, 'db'));
  await tool('ovsdb-tool', 'create', `${dir}/conf.db`, '/usr/share/openvswitch/vswitch.ovsschema');
  daemon('ovsdb-server', '-vconsole:off', '-vsyslog:off', `--remote=punix:${dir}/db.sock`, `${dir}/conf.db`);
  await until(() => existsSync(`${dir}/db.sock`));
  await tool('ovs-vsctl', `--db=unix:${dir}/db.sock`, '--no-wait', 'init');
  const dummy = ['--enable-dummy=override', '--disable-system', '--disable-system-route'];
  daemon('ovs-vswitchd', '-vconsole:off', '-vsyslog:off', ...dummy, `unix:${dir}/db.sock`);
  const ports = [1, 2, 3, 4, 5].flatMap((n) => [
    ...['--', 'add-port', 'br0', `p${n}`],
    ...['--', 'set', 'Interface', `p${n}`, `ofport_request=${n}`],
  ]);
  const bridge = ['set', 'bridge', 'br0', 'datapath-type=dummy', 'fail-mode=secure'];
  await tool('ovs-vsctl', '-t', '10', `--db=unix:${dir}/db.sock`, 'add-br', 'br0', '--', ...bridge, ...ports);
  const target = `unix:${dir}/br0.mgmt`;
  for (const group of ['1', '7']) {
    await tool('ovs-ofctl', '-O', 'OpenFlow13', 'add-group', target, `group_id=${group},type=all,bucket=1`);
  }
  await tool('ovs-ofctl', '-O', 'OpenFlow13', 'add-meter', target, 'meter=1,kbps,band=type=drop,rate=1000');
}

/** The messages that a -mmmmm run wrote, as hex: the last one with the wanted type byte. */
function lastMessage(output, type) {
  const messages = [];
  let current = '';
  for (const line of output.split('\n')) {
    const row = /^([0-9a-f]{8}) {2}((?:[0-9a-f]{2}[ -])+)/.exec(line);
    if (row === null) continue;
    if (row[1] === '00000000') {
      messages.push(current);
      current = '';
    }
    current += row[2].replace(/[^0-9a-f]/g, '');
  }
  messages.push(current);
  return messages.findLast((hex) => hex.slice(2, 4) === type);
}

async function record(version, args) {
  const target = `unix:${dir}/br0.mgmt`;
  const options = args.filter((arg) => arg.startsWith('--'));
  const [command, flow] = args.filter((arg) => !arg.startsWith('--'));
  const call = ['-O', version, '--timeout=10', '-mmmmm', ...options, command, target, flow];
  // A flow that the switch refuses (a missing group or meter) was sent all the same, which is what counts here.
  const { stdout, stderr } = await run('ovs-ofctl', call, { env }).catch((error) => error);
  const hex = lastMessage(stdout + stderr, '0e');
  if (hex === undefined) return undefined;
  const bytes = `${hex.slice(0, 8)}00000000${hex.slice(16)}`;
  const text = (await tool('ovs-ofctl', 'ofp-print', bytes)).trim();
  return { version: versions.indexOf(version) + 4, command: [...options, command].join(' '), flow, hex: bytes, text };
}

const vectors = [];
const refused = [];
try {
  await startSwitch();
  for (const version of versions) {
    await tool('ovs-ofctl', 'del-flows', `unix:${dir}/br0.mgmt`);
    const more = version === 'OpenFlow13' ? [] : flows14;
    for (const args of [...[...flows, ...more].map((flow) => ['add-flow', flow]), ...commands]) {
      const vector = await record(version, args);
      if (vector === undefined) refused.push(`${version} ${args.join(' ')}`);
      else vectors.push(vector);
    }
  }
  const file = new URL('flows.json', import.meta.url);
  writeFileSync(file, `[\n${vectors.map((vector) => JSON.stringify(vector)).join(',\n')}\n]\n`);
  console.log(`${vectors.length} vectors of ${(await tool('ovs-ofctl', '--version')).split('\n')[0]}`);
  for (const line of refused) console.log(`ovs-ofctl sends nothing for: ${line}`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}
