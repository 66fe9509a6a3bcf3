// Reduces package.json and package-lock.json, in place, to what the bundle is made of and by: production, and the bundler. A build
// stage needs neither the compiler nor the test tools; what is left keeps the versions and checksums of the lock file.
import { readFileSync, writeFileSync } from 'node:fs';

const isBundler = (place) => /^node_modules\/(?:esbuild|@esbuild\/[^/]+)$/.test(place);

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { esbuild } = manifest.devDependencies;
const kept = Object.entries(lock.packages).filter(([place, { dev }]) => dev !== true || isBundler(place));
const packages = { ...Object.fromEntries(kept), '': { ...lock.packages[''], devDependencies: { esbuild } } };
writeFileSync('package.json', JSON.stringify({ ...manifest, devDependencies: { esbuild } }, undefined, 2));
writeFileSync('package-lock.json', JSON.stringify({ ...lock, packages }, undefined, 2));
