// Writes what is generated: src/gen/open-vswitch.ts from the checked-in schema, docs/metrics.md from the catalogue of metrics.
// `--check` writes nothing and exits 1 when a file is stale. Compiles only the generators, so it works while the rest of the
// tree does not.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs';
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

function buf(...args) {
  const bin = join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const { status, stdout, stderr, error } = spawnSync(join(bin, 'buf'), args, {
    cwd: join(root, 'proto'),
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`buf ${args[0]} failed: ${error ?? ''}${stdout}${stderr}`);
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
}

/** The messages as they should be, and files that no proto file makes any more. */
function generateProto(outDir) {
  const fresh = join(outDir, 'fresh');
  const template = {
    version: 'v2',
    plugins: [{ local: 'protoc-gen-es', out: fresh, opt: ['target=ts', 'import_extension=js'] }],
  };
  buf('generate', '--template', JSON.stringify(template));
  const folder = 'src/gen/proto';
  const made = filesUnder(fresh).map((name) => ({
    target: join(folder, name),
    text: readFileSync(join(fresh, name), 'utf8'),
  }));
  const names = new Set(made.map(({ target }) => target));
  const left = filesUnder(join(root, folder)).map((name) => join(folder, name));
  return [...made, ...left.filter((target) => !names.has(target)).map((target) => ({ target, text: undefined }))];
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
  for (const { target, text } of [...(await generate(outDir)), ...generateProto(outDir)]) {
    if (currentText(target) === text) continue;
    if (isCheck) {
      console.error(`${target} is stale: run npm run generate`);
      process.exitCode = 1;
    } else if (text === undefined) {
      rmSync(join(root, target));
      console.log(`removed ${target}`);
    } else {
      mkdirSync(dirname(join(root, target)), { recursive: true });
      writeFileSync(join(root, target), text);
      console.log(`wrote ${target}`);
    }
  }
  if (process.argv.includes('--release-proto')) buf('build', '--output', join(root, 'test/vectors/proto-v1.binpb'));
} finally {
  rmSync(outDir, { recursive: true });
}
