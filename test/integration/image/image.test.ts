/** The container image: really built, twice, from this tree, and run against a real Open vSwitch. */

import { readFileSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/daemon.js';
import { OvsLab } from '../lab/ovs.js';
import { ImageStore, makeBaseImages, output } from './base-images.js';
import { Container, type ImageConfig } from './container.js';

const programs = '/usr/lib/dpu-node-agent';
const documents = '/usr/share/doc/dpu-node-agent';
const healthcheck = (question: string, ...more: readonly string[]) => [
  ...['node', `${programs}/healthcheck.mjs`, question, ...more],
];

/** 2026-01-01, in seconds since 1970. */
const epoch = 1_767_225_600;

interface Package {
  readonly name: string;
  readonly version: string;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly integrity?: string; readonly dev?: boolean }>
  >;
}

interface Component extends Package {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly purl: string;
}

/** Of CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/), what this one has. */
interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly (Component & {
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses: readonly unknown[];
  })[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

let store: ImageStore;
let beside = '';
let root = '';
let image: ImageConfig;

const inspect = async (tag: string): Promise<ImageConfig> =>
  JSON.parse(await store.buildah('inspect', '--type', 'image', `localhost/${tag}`)) as ImageConfig;

beforeAll(async () => {
  store = await ImageStore.make();
  const bases = await makeBaseImages(store);
  const tree = await store.build('first', bases, epoch);
  beside = join(tree, 'out');
  // From another place, and with nothing that the first has made.
  await store.build('second', bases, epoch, tree);
  image = await inspect('first');
  root = await store.mount('localhost/first');
}, 300_000);

afterAll(async () => {
  await store[Symbol.asyncDispose]();
}, 60_000);

/** Names of what `find` finds in the image. */
const found = async (...test: readonly string[]): Promise<readonly string[]> =>
  (await output('find', [root, '-xdev', ...test])).split('\n').filter(Boolean);

const sizeMib = (...places: readonly string[]): number =>
  places.reduce((sum, place) => sum + statSync(join(root, place)).size, 0) / 2 ** 20;

describe('the image', () => {
  it('comes out the same when it is built again, layer for layer', async () => {
    const again = await inspect('second');
    expect(image.OCIv1.rootfs.diff_ids.length).toBeGreaterThanOrEqual(2);
    expect(again.OCIv1.rootfs.diff_ids).toEqual(image.OCIv1.rootfs.diff_ids);
    expect((await found('-path', `*${programs}*`)).map((file) => statSync(file).mtimeMs / 1e3)).toEqual(
      Array(4).fill(epoch),
    );
  });

  it('runs as a user that has no name, with flags for the heap', () => {
    const { User, Entrypoint, Env, StopSignal } = image.OCIv1.config;
    expect(User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(Entrypoint).toEqual(expect.arrayContaining(['--max-semi-space-size=2', '--max-old-space-size=96']));
    expect(Env).toContain('MALLOC_ARENA_MAX=1');
    expect(StopSignal).toBe('SIGTERM');
    const { Test } = image.Docker.config.Healthcheck;
    expect([Test[0], Test[1], ...Test.slice(-2)]).toEqual(['CMD', 'node', `${programs}/healthcheck.mjs`, 'live']);
  });

  it('says what it is', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(image.OCIv1.config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'dpu-node-agent',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.created': '2026-01-01T00:00:00Z',
    });
  });

  it('has no package manager of Node.js, no compiler, no sources and nothing that gives rights', async () => {
    const names = [
      'npm',
      'npx',
      'corepack',
      'node_modules',
      'gcc',
      'g++',
      'cc',
      'clang',
      'make',
      'tsc',
      'package-lock.json',
    ];
    const wanted = names.flatMap((name) => ['-o', '-name', name]).slice(1);
    expect(await found('-path', `${root}/usr/share`, '-prune', '-o', '(', ...wanted, ')', '-print')).toEqual([]);
    expect(await found('-type', 'f', '-perm', '/6000')).toEqual([]);
    expect(await found('-path', `${root}${programs}/*`)).toHaveLength(3);
  });

  it('has every tool that the agent runs', async () => {
    for (const tool of ['ip', 'devlink', 'tc', 'ss', 'ethtool']) {
      expect(await output('chroot', [root, 'sh', '-c', `command -v ${tool}`]), tool).toContain(`/${tool}`);
    }
  });

  it('is, with Node.js and without the base, far below 200 MB', () => {
    const names = ['dpu-node-agent.mjs', 'dpuctl.mjs', 'healthcheck.mjs'].map((name) => `${programs}/${name}`);
    const texts = ['sbom.cdx.json', 'third-party-licenses.txt', 'LICENSE'].map((name) => `${documents}/${name}`);
    const appMib = sizeMib(...names, ...texts);
    expect(appMib).toBeLessThan(8);
    expect(appMib + sizeMib('/usr/bin/node')).toBeLessThan(160);
  });

  it('lists exactly the packages that it is made of, inside and beside it', async () => {
    const text = await readFile(join(root, documents, 'sbom.cdx.json'), 'utf8');
    expect(await readFile(join(beside, 'sbom.cdx.json'), 'utf8')).toBe(text);
    const sbom = JSON.parse(text) as Sbom;
    const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as Lock;
    const production = Object.entries(packages)
      .filter(([place, { dev }]) => place !== '' && dev !== true)
      .map(([place, { version }]) => `${place.split('node_modules/').at(-1) ?? ''}@${version}`);
    expect(sbom.components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(
      [...new Set(production)].sort(),
    );
    const licences = await readFile(join(root, documents, 'third-party-licenses.txt'), 'utf8');
    for (const name of new Set(production)) expect(licences).toContain(`${name}: `);
    expect(await readFile(join(beside, 'third-party-licenses.txt'), 'utf8')).toBe(licences);
  });

  it('describes each package as CycloneDX 1.5 has it: where it is from, its hash of the lock file, its licence, what it needs', async () => {
    const { name, version } = JSON.parse(await readFile('package.json', 'utf8')) as Package;
    const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as Lock;
    const sbom = JSON.parse(await readFile(join(beside, 'sbom.cdx.json'), 'utf8')) as Sbom;
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
    // The pattern of the schema.
    expect(sbom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    const itself = { type: 'application', name, version, purl: `pkg:npm/${name}@${version}` };
    expect(sbom.metadata).toMatchObject({ timestamp: '2026-01-01T00:00:00.000Z', component: itself });
    const integrities = new Map(
      Object.entries(packages).map(([place, { version: of, integrity = '' }]) => [
        `${place.split('node_modules/').at(-1) ?? ''}@${of}`,
        integrity.replace(/^sha512-/, ''),
      ]),
    );
    for (const component of sbom.components) {
      const title = `${component.name}@${component.version}`;
      expect(component.type, title).toBe('library');
      // Only the @ of a scope is written otherwise (package-url.github.io, npm).
      expect(component.purl, title).toBe(`pkg:npm/${title.replace(/^@/, '%40')}`);
      const hashes = component.hashes.map(({ alg, content }) => [alg, Buffer.from(content, 'hex').toString('base64')]);
      expect(hashes, title).toEqual([['SHA-512', integrities.get(title)]]);
      expect(JSON.stringify(component.licenses), title).toMatch(/"(?:id|name|expression)":"[^"]+"/);
    }
    const refs = [sbom.metadata.component, ...sbom.components].map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(sbom.dependencies.map(({ ref }) => ref).sort()).toEqual(refs.sort());
    for (const { ref, dependsOn } of sbom.dependencies) {
      expect(new Set(dependsOn).size, ref).toBe(dependsOn.length);
      for (const needed of dependsOn) expect(refs, ref).toContain(needed);
    }
  });
});

/** Of /proc/PID/status. */
const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

describe('a container of the image', () => {
  let lab: OvsLab;
  let container: Container;

  beforeAll(async () => {
    // As in the units of Open vSwitch (UMask=0002): who is in the group of a socket may connect to it.
    const umask = process.umask(0o002);
    lab = await OvsLab.start({ vswitchd: true });
    process.umask(umask);
    const configDir = join(lab.dir, 'config');
    await mkdir(configDir);
    // JSON is YAML.
    const config = {
      api: { http: { listen: '127.0.0.1:0' } },
      bridges: [
        {
          name: 'br-a',
          datapathType: 'netdev',
          ports: [{ kind: 'patch', name: 'a-b', peer: { bridge: 'br-b', port: 'b-a' } }],
        },
        {
          name: 'br-b',
          datapathType: 'netdev',
          ports: [{ kind: 'patch', name: 'b-a', peer: { bridge: 'br-a', port: 'a-b' } }],
        },
      ],
    };
    await writeFile(join(configDir, 'config.yaml'), JSON.stringify(config));
    for (const place of [lab.dir, configDir]) await output('chmod', ['g+rx,o+rx', place]);
    const dir = join(lab.dir, 'container');
    await mkdir(dir, { mode: 0o755 });
    container = await Container.start({ root, image, dir, ovsRunDir: lab.runDir, configDir });
  });

  afterAll(async () => {
    if (container.isRunning) container.signal('SIGCONT');
    await container.stop();
    await lab.stop();
  });

  it('becomes ready on a read-only root, as nobody, without a capability', async () => {
    await eventually(async () => {
      if (!container.isRunning) throw new Error(`the agent ended:\n${container.log}`);
      return (await container.exec(healthcheck('ready'))).code === 0;
    }, 'the agent is ready');
    expect(statusOf(container.pid, 'Uid').split('\t')).toEqual(Array(4).fill(image.OCIv1.config.User.split(':')[0]));
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(statusOf(container.pid, set), set).toMatch(/^0+$/);
    }
    // Its number on the machine, and in the container.
    expect(statusOf(container.pid, 'NSpid').split('\t')).toEqual([String(container.pid), '1']);
    // Denied to the user even where the root is not read-only, so the mount is looked at as well.
    expect((await container.exec(['sh', '-c', ': > /usr/x'])).code).not.toBe(0);
    expect(readFileSync(`/proc/${container.pid}/mountinfo`, 'utf8')).toMatch(/ \/ \/ ro[, ]|merged ro[, ]/);
  });

  it('has made bridges that ovs-vsctl sees', async () => {
    expect((await lab.vsctl('list-br')).split('\n').filter(Boolean).sort()).toEqual(['br-a', 'br-b']);
    expect((await lab.vsctl('list-ports', 'br-a')).trim()).toBe('a-b');
  });

  it('answers its own command line', async () => {
    const { code, stdout } = await container.exec(['dpuctl', 'version']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^dpuctl \S+\nagent \S+\n$/) as unknown,
    });
  });

  it('passes the health check of the image, and fails it within its deadline while it is stopped', async () => {
    const { Test, Timeout } = image.Docker.config.Healthcheck;
    const [, ...command] = Test;
    expect(await container.exec(command)).toEqual({ code: 0, stdout: '', stderr: '' });
    container.signal('SIGSTOP');
    const startMs = performance.now();
    const stopped = await container.exec(command);
    const tookMs = performance.now() - startMs;
    container.signal('SIGCONT');
    expect(stopped).toMatchObject({ code: 1, stderr: 'healthcheck: no answer within 2000 ms\n' });
    expect(tookMs).toBeLessThan(Timeout / 1e6);
    await eventually(async () => (await container.exec(command)).code === 0, 'the health check passes again');
  });

  it('is alive but not ready without Open vSwitch', async () => {
    await lab.killVswitchd();
    await eventually(async () => (await container.exec(healthcheck('ready'))).code === 1, 'the agent is not ready');
    expect((await container.exec(healthcheck('live'))).code).toBe(0);
    const umask = process.umask(0o002);
    await lab.startVswitchd();
    process.umask(umask);
    await eventually(async () => (await container.exec(healthcheck('ready'))).code === 0, 'the agent is ready again');
  });

  const rows = () => Promise.all(['Bridge', 'Port', 'Interface'].map((table) => lab.vsctl('list', table)));

  it('ends within 2 s of SIGTERM and leaves the switch as it is', async () => {
    const before = await rows();
    const flows = await lab.ofctl('dump-flows', `${lab.runDir}/br-a.mgmt`, '--no-stats');
    const startMs = performance.now();
    await container.stop('SIGTERM');
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(container.log).toContain('"agent ended"');
    expect(await rows()).toEqual(before);
    expect(await lab.ofctl('dump-flows', `${lab.runDir}/br-a.mgmt`, '--no-stats')).toBe(flows);
  });
});
