/**
 * What the image is built from where no registry can be reached: the machine's own Debian with the tools (scripts/test-root.sh)
 * and the machine's own Node.js, as two images in a private storage: one to run, with an npm that has to go, and one to build in.
 */

import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../../..');
/** All that a build reads. */
const treeNames = [
  'LICENSE',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'containerfile',
  'scripts',
  'src',
];
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** Runs a program to its end, four minutes at most, in the project's folder; what it printed, without the last line feed. */
export async function output(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const limits = { timeout: 240_000, killSignal: 'SIGKILL', maxBuffer: 64 << 20 } as const;
  const { stdout } = await run(file, [...args], { ...limits, cwd: project, env: { ...process.env, ...env } });
  return stdout.trim();
}

/** buildah with a storage of its own, which is gone when the test leaves its block. */
export class ImageStore implements AsyncDisposable {
  readonly dir: string;
  /** The builder and its arguments, for IMAGE_BUILDER. */
  readonly command: string;

  private constructor(dir: string, driver: string) {
    this.dir = dir;
    this.command = `buildah --root ${dir}/storage --runroot ${dir}/run --storage-driver ${driver}`;
  }

  /** With overlays where this machine can, else with whole copies, which take several times as long. */
  static async make(): Promise<ImageStore> {
    const store = new ImageStore(await mkdtemp(join(tmpdir(), 'image-')), 'overlay');
    try {
      await store.mount('scratch');
      return store;
    } catch {
      await store[Symbol.asyncDispose]();
      return new ImageStore(await mkdtemp(join(tmpdir(), 'image-')), 'vfs');
    }
  }

  buildah(...args: readonly string[]): Promise<string> {
    const [file = '', ...globals] = this.command.split(' ');
    return output(file, [...globals, ...args]);
  }

  /**
   * Builds the image as a user would, with the time `epoch`, from a copy of the tree `from` in the store's own directory.
   * Returns the directory of the copy; what goes beside the image is in `out` of it.
   */
  async build(tag: string, bases: BaseImages, epoch: number, from = project): Promise<string> {
    const tree = join(this.dir, `tree-${tag}`);
    for (const name of treeNames) await cp(join(from, name), join(tree, name), { recursive: true });
    const images = ['--build-image', bases.build, '--runtime-image', bases.runtime];
    const local = ['--no-cache', '--isolation', 'chroot', '--pull=never', '--volume', `${bases.npmCache}:/root/.npm`];
    const args = [
      join(tree, 'scripts/image.mjs'),
      '--tag',
      `localhost/${tag}`,
      '--out',
      'out',
      ...images,
      '--',
      ...local,
    ];
    await output(process.execPath, args, { IMAGE_BUILDER: this.command, SOURCE_DATE_EPOCH: String(epoch) });
    return tree;
  }

  /** The mounted root of a new container of the image. */
  async mount(image: string): Promise<string> {
    return this.buildah('mount', await this.buildah('from', '--pull-never', image));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.buildah('rm', '--all').catch(String);
    await rm(this.dir, { recursive: true, force: true });
  }
}

export interface BaseImages {
  readonly runtime: string;
  readonly build: string;
  /** npm's cache on this machine, so that what was installed once is not fetched again. */
  readonly npmCache: string;
}

async function commit(store: ImageStore, from: string, name: string, fill: (root: string) => Promise<void>) {
  const container = await store.buildah('from', '--pull-never', from);
  await fill(await store.buildah('mount', container));
  await store.buildah('umount', container);
  await store.buildah('commit', '--quiet', '--rm', container, name);
  return name;
}

/** npm as it is on this machine, and how it reaches its registry from here. */
async function addNpm(root: string): Promise<void> {
  const modules = await output('npm', ['root', '--global']);
  const npm = join(root, 'usr/lib/node_modules/npm');
  await cp(join(await realpath(modules), 'npm'), npm, { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/bin/npm'));
  await copyFile(certificates, join(root, certificates));
  const registry = await output('npm', ['config', 'get', 'registry']);
  await mkdir(join(root, 'root'), { recursive: true });
  await writeFile(join(root, 'root/.npmrc'), `registry=${registry}\ncafile=${certificates}\n`);
}

export async function makeBaseImages(store: ImageStore): Promise<BaseImages> {
  const packages = ['ca-certificates', 'ethtool', 'iproute2', 'libstdc++6'];
  const base = await output('scripts/test-root.sh', ['image-base', ...packages]);
  const runtime = await commit(store, 'scratch', 'localhost/base-runtime', async (root) => {
    await output('cp', ['--archive', `${base}/.`, root]);
    await copyFile(await realpath(process.execPath), join(root, 'usr/bin/node'));
    // As images of Node.js have it.
    const npm = 'lib/node_modules/npm/bin/npm-cli.js';
    await mkdir(join(root, 'usr/local', npm, '..'), { recursive: true });
    await writeFile(join(root, 'usr/local', npm), '');
    await symlink(`../${npm}`, join(root, 'usr/local/bin/npm'));
  });
  const build = await commit(store, runtime, 'localhost/base-build', addNpm);
  return { runtime, build, npmCache: await output('npm', ['config', 'get', 'cache']) };
}
