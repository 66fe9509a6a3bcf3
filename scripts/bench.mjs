// Compiles the benchmarks next to the sources that they measure, into a directory of its own, and runs them:
//   npm run bench                                        every suite, every case
//   npm run bench -- SUITE ... [case ...] [--quick]      some suites; what follows their names is their own business
//   npm run bench -- --quick                             every suite, with these options
// A suite is a folder of bench/ with a main.ts. Nothing is checked here (npm run check does that); nothing is left behind.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const suites = readdirSync(join(root, 'bench')).filter((name) => existsSync(join(root, 'bench', name, 'main.ts')));

// The names of suites come first, as many as wanted; what follows is for each of them. None: every suite.
const given = process.argv.slice(2);
const end = given.findIndex((word) => !suites.includes(word));
const named = end < 0 ? given : given.slice(0, end);
const args = given.slice(named.length);
const wanted = named.length > 0 ? named : suites;
if (named.length === 0 && args.length > 0 && !args[0].startsWith('--')) {
  console.error(`usage: npm run bench -- [${suites.join('|')} ...] [case ...] [--quick]`);
  process.exit(64);
}

const dir = mkdtempSync(join(tmpdir(), 'bench-'));
try {
  process.exitCode = compile();
  // A suite that fails does not keep the others from running.
  if (process.exitCode === 0) for (const suite of wanted) process.exitCode = run(suite) || process.exitCode;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function compile() {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      rootDir: root,
      outDir: dir,
      sourceMap: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    // What the suites import is compiled with them.
    include: wanted.map((suite) => join(root, 'bench', suite)),
    exclude: ['**/*.test.ts'],
  };
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  return call([join(root, 'node_modules/typescript/bin/tsc'), '-p', dir]);
}

function run(suite) {
  const peers = join(root, 'bench', suite, 'peers');
  return call(['--enable-source-maps', join(dir, 'bench', suite, 'main.js'), ...args], { BENCH_PEERS: peers });
}

function call(nodeArgs, environment = {}) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, nodeArgs, { stdio: 'inherit', env }).status ?? 1;
}
