// Writes what has to go with the programs into a directory: sbom.cdx.json, the packages that they are made of (CycloneDX, by npm),
// and third-party-licenses.txt, the terms of each of them. Run in the source tree with node_modules installed.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [target] = process.argv.slice(2);
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? NaN);
if (target === undefined || !Number.isInteger(epoch)) {
  throw new Error('usage: SOURCE_DATE_EPOCH=SECONDS node containerfile/documents.mjs DIRECTORY');
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/** Where each package of production lies, by name and version; one that is there twice is told once. */
const places = new Map(
  Object.entries(lock.packages)
    .filter(([place, { dev }]) => place !== '' && dev !== true)
    .map(([place, { version }]) => [`${place.split('node_modules/').at(-1)}@${version}`, place]),
);

/**
 * npm's own list. It is asked in a directory from which everything for development has been taken out: with `--omit dev` npm 11
 * leaves out each package that something for development needs as well.
 */
function npmSbom() {
  const dir = mkdtempSync(join(tmpdir(), 'sbom-'));
  try {
    const production = Object.entries(lock.packages).filter(([, { dev }]) => dev !== true);
    const packages = Object.fromEntries(
      production.map(([place, entry]) => [place, { ...entry, devDependencies: undefined }]),
    );
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ ...manifest, devDependencies: undefined }));
    writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ ...lock, packages }));
    const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
    const { status, stdout, stderr } = spawnSync('npm', args, { cwd: dir, encoding: 'utf8', maxBuffer: 64 << 20 });
    if (status !== 0) throw new Error(`npm sbom failed: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A number that two runs of the same sources agree on, in the form of a random one (RFC 9562, version 8). */
function serialNumber(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}

const byName = (one, other) => (one['bom-ref'] < other['bom-ref'] ? -1 : 1);

/** The same for every run: npm's own has the time, a random number and the name of the directory in it. */
function settled(sbom) {
  const { name, version } = manifest;
  const components = sbom.components.toSorted(byName);
  const metadata = {
    ...sbom.metadata,
    timestamp: new Date(epoch * 1_000).toISOString(),
    component: { ...sbom.metadata.component, name, version },
  };
  return { ...sbom, serialNumber: serialNumber(JSON.stringify([name, version, components])), metadata, components };
}

function licenseText(place) {
  const names = readdirSync(place).filter((name) => /^(?:licen[cs]e|copying|notice)/i.test(name));
  return names
    .toSorted()
    .map((name) => readFileSync(join(place, name), 'utf8').trim())
    .join('\n\n');
}

function licenseNames({ licenses = [] }) {
  return licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name).join(', ');
}

const sbom = settled(npmSbom());
if (sbom.components.length !== places.size) {
  throw new Error(`npm lists ${sbom.components.length} packages of the ${places.size} in package-lock.json`);
}
const sections = sbom.components.map((component) => {
  const title = component['bom-ref'];
  const place = places.get(title);
  if (place === undefined) throw new Error(`${title} is not in package-lock.json`);
  const name = licenseNames(component);
  if (name === '') throw new Error(`${title} names no licence`);
  return { title, name, text: licenseText(place) };
});
const list = sections.map(({ title, name }) => `${title}: ${name}`).join('\n');
const texts = sections.map(
  ({ title, name, text }) => `==== ${title} (${name})\n\n${text || 'The package has no text of it.'}`,
);
writeFileSync(join(target, 'sbom.cdx.json'), `${JSON.stringify(sbom, undefined, 2)}\n`);
writeFileSync(join(target, 'third-party-licenses.txt'), `${list}\n\n${texts.join('\n\n')}\n`);
