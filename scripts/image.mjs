// Builds the container image and puts what goes beside it into a directory:
//   npm run image -- [--tag NAME] [--out DIR] [--build-image I] [--runtime-image I] [--platform P] [-- MORE ARGUMENTS OF THE BUILD]
// With podman or buildah, or what IMAGE_BUILDER says (`IMAGE_BUILDER='buildah --root DIR'`). Everything that gets into the image
// bears the time of the last commit (SOURCE_DATE_EPOCH), so that two builds of one commit give one image.
// --out (dist-image): sbom.cdx.json, third-party-licenses.txt, image-id.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const given = process.argv.slice(2);
const end = given.includes('--') ? given.indexOf('--') : given.length;
const { values } = parseArgs({
  args: given.slice(0, end),
  options: {
    tag: { type: 'string', default: `localhost/dpu-node-agent:${version}` },
    out: { type: 'string', default: 'dist-image' },
    'build-image': { type: 'string' },
    'runtime-image': { type: 'string' },
    platform: { type: 'string' },
  },
});
const out = resolve(root, values.out);

function fail(message) {
  console.error(`image: ${message}`);
  process.exit(1);
}

/** Runs a program to its end; its output when it is wanted, else it goes where ours goes. */
function call(command, args, wantsOutput = true) {
  const stdio = ['ignore', wantsOutput ? 'pipe' : 'inherit', 'inherit'];
  return spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio });
}

function must(command, args, wantsOutput) {
  const { status, stdout } = call(command, args, wantsOutput);
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`);
  return (stdout ?? '').trim();
}

function builder() {
  const words = process.env.IMAGE_BUILDER?.split(/\s+/).filter(Boolean) ?? [];
  if (words.length > 0) return words;
  const found = ['podman', 'buildah'].find((name) => call(name, ['--version']).status === 0);
  return found === undefined ? fail('neither podman nor buildah is installed') : [found];
}

function git(args) {
  const { status, stdout } = call('git', args);
  return status === 0 ? stdout.trim() : undefined;
}

const epoch =
  process.env.SOURCE_DATE_EPOCH ??
  git(['log', '-1', '--format=%ct']) ??
  fail('set SOURCE_DATE_EPOCH: this is no git checkout');
/** What stages copy, and what decides how they do it. */
const sources = [
  'LICENSE',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'containerfile',
];
sources.push('scripts/bundle.mjs', 'scripts/image.mjs', 'src');

/** The commit, with a mark where the image is made of something else. */
function revision() {
  const head = git(['rev-parse', 'HEAD']);
  if (head === undefined) return 'unknown';
  return git(['status', '--porcelain', '--', ...sources]) === '' ? head : `${head}-dirty`;
}

const created = new Date(Number(epoch) * 1_000).toISOString().replace('.000', '');
const buildArgs = {
  SOURCE_DATE_EPOCH: epoch,
  VERSION: version,
  REVISION: revision(),
  CREATED: created,
  ...(values['build-image'] === undefined ? {} : { BUILD_IMAGE: values['build-image'] }),
  ...(values['runtime-image'] === undefined ? {} : { RUNTIME_IMAGE: values['runtime-image'] }),
};
const [program, ...globals] = builder();
mkdirSync(out, { recursive: true });
const idFile = join(out, 'image-id');
must(
  program,
  [
    ...globals,
    'build',
    // The other format has no health check.
    ...['--format', 'docker', '--timestamp', epoch, '--iidfile', idFile, '--tag', values.tag],
    ...['--file', 'containerfile/Containerfile', '--ignorefile', 'containerfile/Containerfile.dockerignore'],
    ...Object.entries(buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...(values.platform === undefined ? [] : ['--platform', values.platform]),
    ...given.slice(end + 1),
    '.',
  ],
  false,
);

const documents = 'usr/share/doc/dpu-node-agent';
const names = ['sbom.cdx.json', 'third-party-licenses.txt'];
const id = readFileSync(idFile, 'utf8').trim();
if (basename(program) === 'podman') {
  const container = must(program, [...globals, 'create', id]);
  for (const name of names) must(program, [...globals, 'cp', `${container}:/${documents}/${name}`, join(out, name)]);
  must(program, [...globals, 'rm', container]);
} else {
  const container = must(program, [...globals, 'from', '--pull-never', id]);
  const place = must(program, [...globals, 'mount', container]);
  for (const name of names) copyFileSync(join(place, documents, name), join(out, name));
  must(program, [...globals, 'rm', container]);
}
writeFileSync(idFile, `${id}\n`);
console.log(`${values.tag}  ${id}\n${out}: ${names.join(', ')}`);
