// Writes docs/dependencies.md: every package that the programs are made of, with its version, its licence and who needs it, out of
// the lock file.
//   node scripts/licences.mjs            writes it
//   node scripts/licences.mjs --check    fails when it is not what the lock file says, or a package may not be there
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = `${root}docs/dependencies.md`;
const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8'));
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** Licences under which a package may be part of a program under Apache-2.0 that is handed on. */
const allowed = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
]);

/** Packages with an install script that does nothing which is needed, and what it does. */
const idleScripts = new Map([['protobufjs', 'warns where a package asks for another version of it']]);

/** Versions that packages are made to take, by the names on the way to them. */
const overrides = (tree, way = []) =>
  Object.entries(tree).flatMap(([name, entry]) =>
    typeof entry === 'string' ? [[[...way, name].join(' > '), entry]] : overrides(entry, [...way, name]),
  );

const nameOf = (place) => place.split('node_modules/').at(-1);

/** Each word of an SPDX expression; both sides of an `AND` and of an `OR` have to be allowed. */
const wordsOf = (licence) => (licence ?? 'none').replaceAll(/[()]/g, '').split(/ AND | OR /);

const production = Object.entries(packages).filter(([place, { dev }]) => place !== '' && dev !== true);

/** Where the package that one at `from` needs as `name` lies: as Node resolves it, from within outwards. */
function placeOf(name, from) {
  const outer = from.lastIndexOf('/node_modules/');
  const place = `${from}/node_modules/${name}`;
  if (packages[place] !== undefined) return place;
  return outer < 0 ? `node_modules/${name}` : placeOf(name, from.slice(0, outer));
}

/** By place: names of the packages that need it, or `itself` for those of package.json. */
function neededBy() {
  const needed = new Map(production.map(([place]) => [place, new Set()]));
  for (const name of Object.keys(manifest.dependencies)) needed.get(`node_modules/${name}`)?.add('itself');
  for (const [place, { dependencies = {}, optionalDependencies = {} }] of production) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      needed.get(placeOf(name, place))?.add(nameOf(place));
    }
  }
  return needed;
}

function problems() {
  const found = [];
  const { dependencies, devDependencies } = manifest;
  const direct = [dependencies, devDependencies].flatMap((kind) => Object.entries(kind));
  for (const [name, version] of [...direct, ...overrides(manifest.overrides ?? {})]) {
    if (!/^\d+\.\d+\.\d+$/.test(version)) found.push(`package.json: ${name} has no exact version: ${version}`);
  }
  for (const [place, { version, license, integrity, hasInstallScript, link }] of production) {
    const what = `${nameOf(place)} ${version}`;
    if (!wordsOf(license).every((word) => allowed.has(word))) found.push(`${what} has the licence ${license}`);
    if (link === true || !/^sha512-/.test(integrity ?? '')) found.push(`${what} has no hash in the lock file`);
    if (hasInstallScript === true && !idleScripts.has(nameOf(place))) found.push(`${what} has an install script`);
  }
  return found;
}

function text() {
  const needed = neededBy();
  const rows = production
    .map(([place, { version, license }]) => {
      const by = [...(needed.get(place) ?? [])].sort();
      return { name: nameOf(place), version, license, by: by.includes('itself') ? '**the programs**' : by.join(', ') };
    })
    .sort((one, other) => (`${one.name} ${one.version}` < `${other.name} ${other.version}` ? -1 : 1));
  const unique = [...new Map(rows.map((row) => [`${row.name} ${row.version}`, row])).values()];
  const counts = new Map();
  for (const { license } of unique) counts.set(license, (counts.get(license) ?? 0) + 1);
  const summary = [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([licence, count]) => `${count} under ${licence}`);
  const scripts = [...idleScripts].map(([name, what]) => `\`${name}\`, which ${what}`).join('; ');
  return [
    '# Packages',
    '',
    `The programs are made of these ${unique.length} packages and of nothing else: ${summary.join(', ')}.`,
    '',
    'Written by `node scripts/licences.mjs` out of the lock file, which has a hash for each; `npm run check` fails where the two differ, where a',
    'version in `package.json` is not exact, where a licence is not one that may be handed on with the programs, and where a package',
    'wants to run a script when it is installed.',
    '',
    `The exception is ${scripts}. With \`npm ci --ignore-scripts\` it does not run, and nothing is missing.`,
    '',
    '| Package | Version | Licence | Needed by |',
    '| --- | --- | --- | --- |',
    ...unique.map(({ name, version, license, by }) => `| \`${name}\` | ${version} | ${license} | ${by} |`),
    '',
  ].join('\n');
}

const faults = problems();
const wanted = text();
if (process.argv.includes('--check')) {
  const present = existsSync(page) ? readFileSync(page, 'utf8') : '';
  if (present !== wanted) faults.push('docs/dependencies.md is not what the lock file says: node scripts/licences.mjs');
} else writeFileSync(page, wanted);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
