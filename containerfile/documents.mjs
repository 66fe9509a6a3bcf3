// Writes what has to go with the programs into a directory: sbom.cdx.json, the packages that they are made of (CycloneDX, by npm),
// and third-party-licenses.txt, the terms of each of them. Run in the source tree with node_modules installed.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [target] = process.argv.slice(2);
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? NaN);
if (target === undefined || !Number.isInteger(epoch)) {
  throw new Error('usage: SOURCE_DATE_EPOCH=SECONDS node containerfile/documents.mjs DIRECTORY');
}

function npmSbom() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--omit', 'dev'];
  const { status, stdout, stderr } = spawnSync('npm', args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`npm sbom failed: ${stderr}`);
  return JSON.parse(stdout);
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
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const components = sbom.components.toSorted(byName);
  const metadata = {
    ...sbom.metadata,
    timestamp: new Date(epoch * 1_000).toISOString(),
    component: { ...sbom.metadata.component, name, version },
  };
  return { ...sbom, serialNumber: serialNumber(JSON.stringify([name, version, components])), metadata, components };
}

/** Where the packages of node_modules lie, by name and version; one that is there twice is told once. */
function installedPackages() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const places = Object.keys(packages).filter((place) => place !== '');
  return new Map(places.map((place) => [`${place.split('node_modules/').at(-1)}@${packages[place].version}`, place]));
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
const places = installedPackages();
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
