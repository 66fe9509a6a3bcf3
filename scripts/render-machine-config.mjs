// Renders the Butane source of systemd/rhcos to the MachineConfig beside it, and the layer to a MachineOSConfig:
//   node scripts/render-machine-config.mjs            writes them
//   node scripts/render-machine-config.mjs --check    says whether they are up to date
// butane itself is a program of Go that comes with no package here. This knows the few keys that the source uses, refuses all others,
// and gives what butane gives but for compression: contents are data URLs (Ignition specification 3.4, storage.files and systemd.units).
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = 'systemd/rhcos';
const read = (file) => readFileSync(join(root, file), 'utf8');

/** Fails on a key that this does not know, rather than leaving it out. */
function only(object, where, ...known) {
  const unknown = Object.keys(object).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${where}: ${unknown.join(', ')} is not known to this renderer; use butane`);
  return object;
}

function fileOf({ path, mode, overwrite, contents, ...rest }) {
  only(rest, path);
  const { local } = only(contents, path, 'local');
  const source = `data:;base64,${Buffer.from(read(local)).toString('base64')}`;
  return { contents: { source }, mode, overwrite, path };
}

function unitOf({ name, enabled, contents_local: local, ...rest }) {
  only(rest, name);
  return { contents: read(local), ...(enabled === undefined ? {} : { enabled }), name };
}

function machineConfig(file) {
  // YAML 1.1, as butane reads it: 0644 is octal.
  const { variant, version, metadata, storage, systemd, ...rest } = parse(read(file), { version: '1.1' });
  only(rest, file);
  if (variant !== 'openshift' || version !== '4.18.0')
    throw new Error(`${file}: another variant or version needs butane`);
  const config = {
    ignition: { version: '3.4.0' },
    storage: { files: only(storage, 'storage', 'files').files.map(fileOf) },
    systemd: { units: only(systemd, 'systemd', 'units').units.map(unitOf) },
  };
  return {
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineConfig',
    metadata: { labels: metadata.labels, name: metadata.name },
    spec: { config },
  };
}

/** For a build in the cluster; names of pool, registry and secrets are the platform's. */
function machineOsConfig(file) {
  return {
    apiVersion: 'machineconfiguration.openshift.io/v1',
    kind: 'MachineOSConfig',
    metadata: { name: 'dpu-worker' },
    spec: {
      machineConfigPool: { name: 'dpu-worker' },
      imageBuilder: { imageBuilderType: 'Job' },
      containerFile: [{ content: read(file) }],
      renderedImagePushSpec:
        'image-registry.openshift-image-registry.svc:5000/openshift-machine-config-operator/os-image:latest',
      renderedImagePushSecret: { name: 'push-secret' },
    },
  };
}

const results = [
  ['99-dpu-worker-dpu-node-agent.yaml', 'dpu-node-agent.bu', machineConfig],
  ['machine-os-config.yaml', 'layer.Containerfile', machineOsConfig],
];
const isCheck = process.argv.includes('--check');
for (const [name, source, make] of results) {
  const file = join(folder, name);
  const head = `# Rendered from ${source} by scripts/render-machine-config.mjs; do not edit.\n`;
  const text = head + stringify(make(join(folder, source)), { lineWidth: 0, blockQuote: 'literal' });
  if (!isCheck) writeFileSync(join(root, file), text);
  else if (read(file) !== text) {
    console.error(`${file} is not what ${source} says: run node scripts/render-machine-config.mjs`);
    process.exitCode = 1;
  }
}
