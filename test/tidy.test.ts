/**
 * The rules of the source tree, as tests: who may import whom, what only the shells may call, and that every test file is
 * one that a glob runs. A rule that is not here is not a rule.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Which folders of src a folder may import; itself always. `main.ts` and `sandbox` may import everything. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  model: ['lib'],
  config: ['lib'],
  ovsdb: ['lib'],
  openflow: ['lib'],
  unixctl: ['lib'],
  kube: ['lib'],
  host: ['lib', 'model'],
  gen: ['ovsdb'],
  words: ['gen', 'lib'],
  intent: ['model', 'lib'],
  plan: ['intent', 'model', 'lib'],
  chain: ['model', 'lib', 'intent'],
  offload: ['model', 'lib'],
  attach: ['plan', 'intent', 'model', 'lib'],
  agent: ['plan', 'chain', 'attach', 'offload', 'intent', 'model', 'lib'],
  adapters: [
    'agent',
    'plan',
    'chain',
    'attach',
    'offload',
    'intent',
    'model',
    'config',
    'ovsdb',
    'openflow',
    'kube',
    'host',
    'unixctl',
    'gen',
    'lib',
  ],
  api: ['agent', 'attach', 'chain', 'offload', 'plan', 'telemetry', 'words', 'model', 'gen', 'lib'],
  telemetry: ['lib'],
  cli: ['agent', 'chain', 'attach', 'plan', 'offload', 'words', 'model', 'gen', 'openflow', 'ovsdb', 'unixctl', 'lib'],
  app: [
    'adapters',
    'api',
    'agent',
    'plan',
    'chain',
    'attach',
    'offload',
    'intent',
    'model',
    'config',
    'ovsdb',
    'kube',
    'host',
    'gen',
    'cli',
    'telemetry',
    'lib',
  ],
  sandbox: ['app', 'cli', 'gen', 'agent', 'attach', 'model', 'config', 'host', 'lib'],
};

/** Packages that only one folder may import. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  zod: ['config'],
  yaml: ['config', 'kube', 'sandbox', 'cli'],
  pino: ['telemetry'],
  'prom-client': ['telemetry'],
  fastify: ['api'],
  '@grpc/grpc-js': ['api', 'cli'],
  '@grpc/reflection': ['api'],
  'grpc-health-check': ['api'],
  '@bufbuild/protobuf': ['api', 'cli', 'gen', 'words'],
};

/** Calls that make code impure, and the folders whose files may make them. */
const impureCalls = /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval)\s*\(/;
const impureFolders = new Set(['lib', 'sandbox']);

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

const sources = filesUnder(join(root, 'src')).filter((file) => file.endsWith('.ts'));
const folderOf = (file: string): string => {
  const [first = ''] = relative(join(root, 'src'), file).split('/');
  return first.endsWith('.ts') ? 'main' : first;
};

/** Source without comments: a rule about code must not trip over a sentence. */
function codeOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
}

function importsOf(file: string): string[] {
  const found = codeOf(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g);
  return [...found].map((match) => match[1] ?? '');
}

/** The file that a relative import names. */
function target(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts');
}

describe('the source tree', () => {
  it('imports only in the allowed directions', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const from = folderOf(file);
      if (from === 'main') continue;
      for (const specifier of importsOf(file).filter((entry) => entry.startsWith('.'))) {
        const to = folderOf(target(file, specifier));
        if (to !== from && !(mayImport[from] ?? []).includes(to)) wrong.push(`${relative(root, file)} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('knows every folder', () => {
    const unknown = [...new Set(sources.map(folderOf))].filter((name) => name !== 'main' && !(name in mayImport));
    expect(unknown).toEqual([]);
  });

  it('enters the protocol libraries by their public face only', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => /\/(?:kube|ovsdb|openflow|unixctl)\/(?!index\.js)/.test(specifier))
        .filter((specifier) => folderOf(target(file, specifier)) !== folderOf(file))
        .map((specifier) => `${relative(root, file)} → ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no import cycle', () => {
    const graph = new Map(
      sources.map((file) => [
        file,
        importsOf(file)
          .filter((entry) => entry.startsWith('.'))
          .map((entry) => target(file, entry)),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        const cycle = [...path.slice(path.indexOf(file)), file].map((entry) => relative(root, entry));
        cycles.push(cycle.join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    // Type-only cycles inside one folder are harmless at run time, but they hide what depends on what all the same.
    expect(cycles).toEqual([]);
  });

  it('keeps packages in their homes', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier in packageHomes && !packageHomes[specifier]?.includes(folderOf(file)))
        .map((specifier) => `${relative(root, file)} → ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('reads clocks, timers and randomness in shells only', () => {
    const wrong = sources.filter((file) => !impureFolders.has(folderOf(file)) && impureCalls.test(codeOf(file)));
    expect(wrong.map((file) => relative(root, file)).filter((file) => file !== 'src/main.ts')).toEqual([]);
  });

  it('logs by pino alone and reads the environment in entry points alone', () => {
    const entries = new Set(['src/main.ts', 'src/cli/dpuctl.ts', 'src/sandbox/main.ts']);
    const wrong = sources.filter((file) => {
      const code = codeOf(file);
      const isEntry = entries.has(relative(root, file));
      return /\bconsole\./.test(code) || (!isEntry && folderOf(file) !== 'sandbox' && /process\.env/.test(code));
    });
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });

  it('has no coverage exclusion, no escape from the type system and no unfinished work', () => {
    const marks = /c8 ignore|v8 ignore|istanbul ignore|@ts-ignore|@ts-expect-error|\bas any\b|\bTODO\b|\bFIXME\b/;
    const wrong = sources.filter((file) => folderOf(file) !== 'gen' && marks.test(readFileSync(file, 'utf8')));
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });

  it('has no test that no glob would run', () => {
    const tests = filesUnder(join(root, 'test')).filter((file) => file.endsWith('.ts'));
    const wrong = tests.filter((file) => !file.endsWith('.test.ts') && /^\s*(?:it|test)\(/m.test(codeOf(file)));
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });

  it('speaks of itself alone', () => {
    const wrong = [...sources, ...filesUnder(join(root, 'docs')), join(root, 'package-lock.json')].filter((file) =>
      /\/work\/(?:main|shared)|shared\/docs/.test(readFileSync(file, 'utf8')),
    );
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });
});
