// Compiles the benchmarks next to the sources that they measure, into a directory of its own, and runs one suite:
//   npm run bench -- ovsdb [case ...] [--quick]
// Nothing is checked here (npm run check does that); nothing is left behind.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const suites = {
  ovsdb: ['src/lib', 'src/ovsdb', 'bench/ovsdb', 'test/integration/lab'],
  agent: ['src', 'bench/agent', 'test/integration/lab'],
};

const [suite, ...args] = process.argv.slice(2);
const folders = suites[suite];
if (folders === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(suites).join('|')} [case ...] [--quick]`);
  process.exit(64);
}

const dir = mkdtempSync(join(tmpdir(), 'bench-'));
try {
  process.exitCode = compile() || run();
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
    include: folders.map((folder) => join(root, folder)),
    exclude: ['**/*.test.ts'],
  };
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
  return call([join(root, 'node_modules/typescript/bin/tsc'), '-p', dir]);
}

function run() {
  return call(['--enable-source-maps', join(dir, 'bench', suite, 'main.js'), ...args]);
}

function call(nodeArgs) {
  const env = { ...process.env, BENCH_PEERS: join(root, 'bench', suite, 'peers') };
  return spawnSync(process.execPath, nodeArgs, { stdio: 'inherit', env }).status ?? 1;
}
