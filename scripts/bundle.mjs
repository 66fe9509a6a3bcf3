// Makes dist-bundle/: each program as one file that needs Node.js and nothing else, no node_modules and no package.json.
//   npm run bundle                    dist-bundle/dpu-node-agent.mjs, dpuctl.mjs, healthcheck.mjs, and their source maps beside them
//   npm run bundle -- --out DIR       elsewhere
// White space is taken out and names are kept: less for V8 to hold in memory, and stack traces that can be read.
// The same sources give the same bytes, wherever they lie.
import { readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import protobuf from 'protobufjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist-bundle' } } });
const outdir = resolve(root, values.out);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Libraries that read a .proto file of theirs when they start. It is parsed here instead, in the way in which they would, and
 * becomes part of their code.
 */
const protoReaders = [
  {
    filter: /grpc-health-check[\\/]build[\\/]src[\\/]health\.js$/,
    proto: '../../proto/health/v1/health.proto',
    keepCase: true,
    call: /loadSync\)\('health\/v1\/health\.proto', /,
    by: (json) => `fromJSON)(${json}, `,
  },
  ...['v1', 'v1alpha'].map((name) => ({
    filter: new RegExp(String.raw`reflection[\\/]build[\\/]src[\\/]implementations[\\/]reflection-${name}\.js$`),
    proto: `../../proto/grpc/reflection/${name}/reflection.proto`,
    keepCase: false,
    call: /const protoPath = .*;\n(\s*)const pkgDefinition = protoLoader\.loadSync\(protoPath, /,
    by: (json) => `const pkgDefinition = protoLoader.fromJSON(${json}, `,
  })),
];

const protosInside = {
  name: 'protos inside',
  setup({ onLoad }) {
    for (const { filter, proto, keepCase, call, by } of protoReaders) {
      onLoad({ filter }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        if (!call.test(source))
          throw new Error(`${path} no longer reads its .proto file as it did: see scripts/bundle.mjs`);
        const parsed = protobuf.parse(readFileSync(join(dirname(path), proto), 'utf8'), { keepCase });
        const contents = source
          .replace(call, () => by(JSON.stringify(parsed.root.toJSON())))
          // What is left of it is the list of directories to look in.
          .replaceAll('__dirname', '""');
        return { contents, loader: 'js' };
      });
    }
  },
};

/**
 * What libraries would bring along and nobody asks for: the languages of zod's messages but English, and fastify's compilers of
 * schemas (src/api/http/server.ts keeps it from loading them). A quarter of the file, and V8 reads all of it at each start.
 */
const leftOut = {
  name: 'left out',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
    const namespace = 'left-out';
    onResolve({ filter: /^@fastify\/(?:ajv|fast-json-stringify)-compiler$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `throw new Error('${path} is not in this bundle');`,
    }));
  },
};

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { 'dpu-node-agent': 'src/main.ts', dpuctl: 'src/cli/dpuctl.ts', healthcheck: 'src/cli/healthcheck.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  // Packages of the older kind ask for `require`.
  banner: {
    js: "import{createRequire as madeRequire}from'node:module';const require=madeRequire(import.meta.url);",
  },
  define: { bundledVersion: JSON.stringify(version) },
  plugins: [protosInside, leftOut],
  metafile: true,
  logLevel: 'warning',
});
for (const file of Object.keys(metafile.outputs).filter((name) => name.endsWith('.mjs'))) {
  console.log(`${file}  ${Math.round(statSync(join(root, file)).size / 1024)} KiB`);
}
