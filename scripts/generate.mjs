// Writes what is generated: src/gen/open-vswitch.ts from the checked-in schema, docs/metrics.md from the catalogue of metrics.
// `--check` writes nothing and exits 1 when a file is stale. Compiles only the generators, so it works while the rest of the
// tree does not.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isCheck = process.argv.includes('--check');

const outputs = [
  {
    schema: 'test/fixtures/schemas/vswitch-8.3.1.ovsschema',
    target: 'src/gen/open-vswitch.ts',
    origin: 'vswitch.ovsschema of Open vSwitch 3.1',
  },
];

function compileGenerator(outDir) {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      rootDir: join(root, 'src'),
      outDir,
      sourceMap: false,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: [],
    files: [
      ...['schema.ts', 'codegen/generate.ts', 'wire/json-exact.ts'].map((file) => join(root, 'src/ovsdb', file)),
      join(root, 'src/telemetry/reference.ts'),
    ],
  };
  writeFileSync(join(outDir, 'package.json'), '{"type":"module"}');
  writeFileSync(join(outDir, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', outDir], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the generator does not compile:\n${stdout}`);
}

async function generate(outDir) {
  const load = (file) => import(pathToFileURL(join(outDir, 'ovsdb', file)).href);
  const [{ parseSchema }, { generateTypes }, { parseJsonExact }] = await Promise.all(
    ['schema.js', 'codegen/generate.js', 'wire/json-exact.js'].map(load),
  );
  const types = outputs.map(({ schema, target, origin }) => {
    const parsed = parseSchema(parseJsonExact(readFileSync(join(root, schema), 'utf8')));
    return { target, text: generateTypes(parsed, { libraryPath: '../ovsdb/index.js', origin }) };
  });
  const { metricsReference } = await import(pathToFileURL(join(outDir, 'telemetry/reference.js')).href);
  return [...types, { target: 'docs/metrics.md', text: metricsReference() }];
}

function currentText(target) {
  try {
    return readFileSync(join(root, target), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const outDir = mkdtempSync(join(tmpdir(), 'generate-'));
try {
  compileGenerator(outDir);
  for (const { target, text } of await generate(outDir)) {
    if (currentText(target) === text) continue;
    if (isCheck) {
      console.error(`${target} is stale: run npm run generate`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(join(root, target)), { recursive: true });
      writeFileSync(join(root, target), text);
      console.log(`wrote ${target}`);
    }
  }
} finally {
  rmSync(outDir, { recursive: true });
}
