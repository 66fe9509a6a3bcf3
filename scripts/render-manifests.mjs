// The Helm chart and the plain manifests, rendered and held against one another.
//
//   node scripts/render-manifests.mjs            writes what is made from the chart: its README.md, deploy/kustomize/base, the
//                                                objects of OpenShift in the overlay, and the golden files of the tests
//   node scripts/render-manifests.mjs --check    the same, but only says what differs (exit status 1)
//   node scripts/render-manifests.mjs --values   renders with the values in the standard input (JSON), prints the objects (YAML)
//
// Tests import it: renderObjects, renderNotes, staleProducts. No helm is needed: scripts/render-chart does the templates with the libraries that Helm is made of. It needs Go and two
// Debian packages (scripts/with-setup.sh installs them), and is compiled once for each of its versions.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse, parseAllDocuments, parseDocument, stringify, visit } from 'yaml';

const root = join(import.meta.dirname, '..');
const chart = join(root, 'deploy/helm/dpu-node-agent');
const kustomize = join(root, 'deploy/kustomize');
const goldens = join(root, 'test/fixtures/deploy');
const name = 'dpu-node-agent';

const read = (...path) => readFileSync(join(...path), 'utf8');

/** The compiled renderer, kept outside of the tree for each version of its source. */
function renderer() {
  const source = join(root, 'scripts/render-chart');
  const key = createHash('sha256').update(read(source, 'main.go')).digest('hex').slice(0, 12);
  const cache = process.env.DPU_RENDER_CACHE ?? '/var/cache/dpu-node-agent-test';
  const program = join(cache, `render-chart-${key}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(cache, 'building-'));
  try {
    const env = {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOCACHE: join(dir, 'cache'),
      GOFLAGS: '',
    };
    const built = spawnSync('go', ['build', '-o', join(dir, 'out'), '.'], { cwd: source, env, encoding: 'utf8' });
    if (built.error?.code === 'ENOENT') {
      throw new Error(
        'Go is missing: install golang-go, golang-github-masterminds-sprig-dev and golang-k8s-sigs-yaml-dev (scripts/with-setup.sh does)',
      );
    }
    if (built.status !== 0)
      throw new Error(`the renderer of charts cannot be compiled:\n${built.stderr ?? String(built.error)}`);
    // In one step, for others may be building it too.
    renameSync(join(dir, 'out'), program);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return program;
}

/** Lays values over others as Helm does: maps are merged, null removes a key, everything else replaces. */
function merged(base, over) {
  const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(base) || !isMap(over)) return over;
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** Problems of values by the schema, one line each, as Helm words them: place, and what is wrong. */
function problems(values) {
  const ajv = new Ajv({ allErrors: true, strictTypes: false, allowUnionTypes: true });
  const validate = ajv.compile(JSON.parse(read(chart, 'values.schema.json')));
  if (validate(values)) return [];
  return validate.errors.map(({ instancePath, message, params }) => {
    const place = instancePath === '' ? '(root)' : instancePath.slice(1).replaceAll('/', '.');
    const more = params.additionalProperty ?? params.allowedValues?.join(', ') ?? '';
    return `${place}: ${message}${more === '' ? '' : ` (${more})`}`;
  });
}

const release = { Name: name, Namespace: name, Service: 'Helm', IsInstall: true, IsUpgrade: false, Revision: 1 };
const meta = parse(read(chart, 'Chart.yaml'));
// As Helm names them in templates.
const chartMeta = { Name: meta.name, Version: meta.version, AppVersion: meta.appVersion };

/** The texts of all templates, by their names. @throws Error with what is wrong with the values, or what the chart says of them */
function renderTexts(over) {
  const values = merged(parse(read(chart, 'values.yaml')), over);
  const wrong = problems(values);
  if (wrong.length > 0) throw new Error(`values don't meet the schema of the chart:\n${wrong.join('\n')}`);
  const input = JSON.stringify({ chart, values, release, chartMeta, apiVersions: [] });
  const done = spawnSync(renderer(), { input, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (done.status !== 0) throw new Error(done.stderr ?? String(done.error));
  return JSON.parse(done.stdout);
}

/** Kubernetes reads YAML 1.1, in which `on` is a boolean. */
const yamlAsKubernetes = { version: '1.1' };

/** Objects of a YAML text. @throws Error when it is none */
function objectsIn(text) {
  return parseAllDocuments(text, yamlAsKubernetes)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    })
    .filter((object) => object !== null);
}

/** The objects of the chart with these values. @throws Error */
export function renderObjects(over) {
  const texts = renderTexts(over);
  return Object.keys(texts)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => objectsIn(texts[file]));
}

const yamlOf = (objects) =>
  objects.map((object) => stringify(object, { ...yamlAsKubernetes, lineWidth: 0 })).join('---\n');

async function pretty(text, parser) {
  // Loaded when it is needed: who only renders does not wait for it.
  const { format } = await import('prettier');
  return format(text, { parser, printWidth: 120, singleQuote: true });
}

/** What helm shows after an installation. @throws Error */
export const renderNotes = (over) => renderTexts(over)['templates/NOTES.txt'];

/** Values of the golden files, by name. */
function presets() {
  const dir = join(chart, 'ci');
  return readdirSync(dir)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => [file.replace(/-?values\.yaml$/, ''), parse(read(dir, file)) ?? {}]);
}

/** What a reader of a golden file does not need twice: the alerts, and the text of a dashboard. */
function shortened(object) {
  if (object.kind === 'PrometheusRule') {
    const groups = object.spec.groups.map((group) => ({ name: group.name, rules: `${group.rules.length} rules` }));
    return { ...object, spec: { groups } };
  }
  if (object.kind !== 'ConfigMap') return object;
  const data = Object.fromEntries(
    Object.entries(object.data).map(([key, text]) => [
      key,
      key.endsWith('.json') ? `${createHash('sha256').update(text).digest('hex')} (sha256)` : text,
    ]),
  );
  return { ...object, data };
}

/** The chart's README: a table out of the comments in values.yaml. */
function readme() {
  const text = read(chart, 'values.yaml');
  const document = parseDocument(text);
  const rows = [];
  visit(document, {
    Pair(_, pair, path) {
      const keys = path.flatMap((node) => (node.key?.value === undefined ? [] : [node.key.value]));
      const key = [...keys, pair.key.value].join('.');
      const line = text.slice(0, pair.key.range[0]).split('\n').length - 1;
      const comment = /^\s*# -- (.*)$/.exec(text.split('\n')[line - 1] ?? '');
      if (comment === null) return undefined;
      const value = pair.value?.toJS(document) ?? null;
      rows.push([key, JSON.stringify(value), comment[1]]);
      return visit.SKIP;
    },
  });
  const table = rows.map(([key, value, words]) => `| \`${key}\` | \`${value}\` | ${words.replaceAll('|', '\\|')} |`);
  return [
    '# dpu-node-agent',
    '',
    meta.description + '. How to install it: [docs/install-kubernetes.md](../../../docs/install-kubernetes.md).',
    '',
    '<!-- Made from values.yaml by scripts/render-manifests.mjs. -->',
    '',
    '| Value | Default | What it is |',
    '| --- | --- | --- |',
    ...table,
    '',
  ].join('\n');
}

const made = '# Made from the Helm chart by scripts/render-manifests.mjs.\n';

/** Everything that is made from the chart: file, and its text. */
async function products() {
  const files = [[join(chart, 'README.md'), readme()]];
  const kinds = (objects, ...wanted) => objects.filter(({ kind }) => wanted.includes(kind));
  const yaml = async (file, objects) => files.push([file, await pretty(made + yamlOf(objects), 'yaml')]);
  const base = renderObjects({});
  const openshift = renderObjects({ preset: 'dpuNetworkOperator', platform: 'openshift', namespace: { create: true } });
  await yaml(join(kustomize, 'base/daemonset.yaml'), kinds(base, 'DaemonSet'));
  await yaml(join(kustomize, 'base/serviceaccount.yaml'), kinds(base, 'ServiceAccount'));
  await yaml(join(kustomize, 'base/networkpolicy.yaml'), kinds(base, 'NetworkPolicy'));
  files.push([join(kustomize, 'base/config.yaml'), kinds(base, 'ConfigMap')[0].data['config.yaml']]);
  await yaml(
    join(kustomize, 'overlays/upstream/namespace.yaml'),
    kinds(renderObjects({ namespace: { create: true } }), 'Namespace'),
  );
  await yaml(join(kustomize, 'overlays/openshift/namespace.yaml'), kinds(openshift, 'Namespace'));
  await yaml(
    join(kustomize, 'overlays/openshift/constraints.yaml'),
    kinds(openshift, 'SecurityContextConstraints', 'Role', 'RoleBinding'),
  );
  const exposed = {
    expose: true,
    tlsSecret: `${name}-http`,
    tokenSecret: `${name}-scrape`,
    podMonitor: { enabled: true },
  };
  await yaml(
    join(kustomize, 'components/monitoring/podmonitor.yaml'),
    kinds(renderObjects({ metrics: exposed }), 'PodMonitor'),
  );
  await yaml(
    join(kustomize, 'components/monitoring-openshift/prometheus.yaml'),
    kinds(renderObjects({ platform: 'openshift', metrics: exposed }), 'Role', 'RoleBinding').filter(
      ({ metadata }) => metadata.name === `${name}-prometheus`,
    ),
  );
  for (const [preset, values] of presets()) {
    files.push([join(goldens, `${preset}.yaml`), made + yamlOf(renderObjects(values).map(shortened))]);
  }
  return files;
}

/** Files that differ from what is made from the chart, by their paths in the project, and what belongs into them. */
export async function staleProducts() {
  const all = await products();
  return all
    .filter(([file, text]) => !existsSync(file) || read(file) !== text)
    .map(([file, text]) => [file.slice(root.length + 1), text]);
}

async function main(option) {
  if (option === '--values') {
    return void process.stdout.write(yamlOf(renderObjects(JSON.parse(readFileSync(0, 'utf8')))));
  }
  const stale = await staleProducts();
  if (stale.length === 0) return console.log('everything that is made from the chart is as the chart says');
  const isCheck = option === '--check';
  for (const [file, text] of isCheck ? [] : stale) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  console.log(stale.map(([file]) => `${isCheck ? 'differs from the chart' : 'written'}: ${file}`).join('\n'));
  if (isCheck) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) {
  try {
    await main(process.argv[2]);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
