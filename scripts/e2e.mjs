// The end-to-end tests of the host cluster's pods, against the embedded API server or, with a kubeconfig, against a real one:
//   npm run test:e2e                                             the embedded one
//   npm run test:e2e -- --kubeconfig FILE [--context C]          a real one, as the user of that context
//   npm run test:e2e -- [...] [FILTER ...]                       only test files whose path has one of these words
// Everything that the tests make in a cluster has a random name and the label of this run. They remove it themselves; what a
// test that was killed left behind is removed here, also after Ctrl-C. Ends with 1 when a test failed or something is left.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const run = `run-${randomBytes(6).toString('hex')}`;
const label = `dpu-node-agent.e2e/run=${run}`;
const atOnce = ['--grace-period=0', '--force', '--wait=false'];
// In this order: a node that goes takes the pods along that others put on it, and bindings name roles.
const clusterKinds = ['nodes', 'clusterrolebindings', 'clusterroles', 'namespaces'];

const usage = 'usage: npm run test:e2e -- [--kubeconfig FILE [--context NAME]] [FILTER ...]';
const { values, positionals } = readArguments();

function readArguments() {
  const options = { kubeconfig: { type: 'string' }, context: { type: 'string' }, help: { type: 'boolean' } };
  try {
    const read = parseArgs({ options, allowPositionals: true });
    if (read.values.help) stop(usage, 0);
    if (read.values.context !== undefined && read.values.kubeconfig === undefined)
      stop('--context needs --kubeconfig', 64);
    return read;
  } catch (error) {
    return stop(`${error.message}\n${usage}`, 64);
  }
}

function stop(message, code) {
  console.log(message);
  process.exit(code);
}

// Relative to where npm was called, not to where the scripts are.
const kubeconfig = values.kubeconfig && resolve(process.env.INIT_CWD ?? process.cwd(), values.kubeconfig);

function kubectl(...args) {
  const which = ['--kubeconfig', kubeconfig, ...(values.context ? ['--context', values.context] : [])];
  return spawnSync('kubectl', [...which, '--request-timeout=60s', ...args], { encoding: 'utf8', timeout: 120_000 });
}

/** What the tests do to a cluster, and whether this user may. */
const needed = [
  ['create', 'namespaces'],
  ['create', 'nodes'],
  ['create', 'clusterroles.rbac.authorization.k8s.io'],
  ['create', 'clusterrolebindings.rbac.authorization.k8s.io'],
  ['create', 'pods', '-A'],
  ['create', 'serviceaccounts', '--subresource=token', '-A'],
];

function checkCluster() {
  if (!existsSync(kubeconfig)) stop(`there is no file ${kubeconfig}`, 66);
  const version = kubectl('version', '-o', 'json');
  if (version.status !== 0) stop(`the API server cannot be reached:\n${version.stderr}`, 69);
  const missing = needed.filter((words) => kubectl('auth', 'can-i', ...words).stdout.trim() !== 'yes');
  if (missing.length > 0) {
    stop(`this user may not:\n${missing.map((words) => `  ${words.join(' ')}`).join('\n')}`, 77);
  }
  const { major, minor, gitVersion } = JSON.parse(version.stdout).serverVersion;
  console.log(`API server: Kubernetes ${major}.${minor} (${gitVersion}); all that is made has the label ${label}`);
}

/** Removes what is left of this run. Returns its names. */
function sweep() {
  const left = [];
  for (const kind of clusterKinds) {
    const { stdout } = kubectl('get', kind, '-l', label, '-o', 'name');
    // A namespace goes when the server's controllers have emptied it.
    const names = (stdout ?? '').split('\n').filter((name) => name !== '' && !isLeaving(name));
    left.push(...names);
    for (const name of names) remove(name);
  }
  return left;
}

function isLeaving(name) {
  return kubectl('get', name, '-o', 'jsonpath={.metadata.deletionTimestamp}').stdout !== '';
}

function remove(name) {
  const [kind, plain] = name.split('/');
  if (kind === 'namespace') kubectl('delete', 'pods', '--all', '-n', plain, ...atOnce);
  kubectl('delete', name, '--wait=false');
  if (kind !== 'node') return;
  const { stdout } = kubectl('get', 'pods', '-A', '--field-selector', `spec.nodeName=${plain}`, '-o', podLines);
  for (const line of stdout.split('\n').filter((entry) => entry !== '')) {
    const [namespace, pod] = line.split(' ');
    kubectl('delete', 'pod', pod, '-n', namespace, ...atOnce);
  }
}

const podLines = 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\\n"}{end}';

// Files of the tests, with credentials among them, go with this process, too, whatever becomes of the tests. The name is
// short because paths of unix sockets are.
const dir = mkdtempSync(join(tmpdir(), 'dpu-'));
// Daemons that end with a killed test may write for a moment longer: hence the retries.
process.on('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

async function test() {
  const env = {
    ...process.env,
    TMPDIR: dir,
    DPU_E2E_RUN: run,
    DPU_E2E_KUBECONFIG: kubeconfig ?? '',
    DPU_E2E_CONTEXT: values.context ?? '',
  };
  // Not by npx, which passes no signals on.
  const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'e2e', ...positionals];
  const child = spawn(process.execPath, vitest, { stdio: 'inherit', env, cwd: root });
  // This process stays for the sweep.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((done) => {
    child.on('close', (code) => done(code ?? 1));
  });
}

if (kubeconfig === undefined) {
  console.log('API server: the embedded one (--kubeconfig FILE for a real one)');
  process.exitCode = await test();
} else {
  checkCluster();
  const code = await test();
  const left = sweep();
  if (left.length > 0) console.log(`removed what the tests had left:\n${left.map((name) => `  ${name}`).join('\n')}`);
  const stuck = left.length > 0 ? sweep() : [];
  if (stuck.length > 0) console.log(`STILL THERE:\n${stuck.map((name) => `  ${name}`).join('\n')}`);
  process.exitCode = code === 0 && left.length === 0 ? 0 : 1;
}
