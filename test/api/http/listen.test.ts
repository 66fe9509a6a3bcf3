import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/lib/errors.js';
import { ManualClock } from '../../config/manual-clock.js';
import { ApiWorld } from '../../fakes/api-world.js';
import { CertificateFolder } from '../../kube/certificates.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';

let world = new ApiWorld();
afterEach(() => world.close());

const run = promisify(execFile);

describe('listening', () => {
  it('is tried again while the port is taken, and never fatal', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const address = squatter.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const clock = new ManualClock();
    world = await new ApiWorld(clock).serve({ config: { listen: `127.0.0.1:${port}` } });
    expect(world.api?.address()).toBeUndefined();
    expect(world.troubles).toMatchObject([{ code: 'API_ADDRESS' }]);
    expect(world.troubles[0]).toBeInstanceOf(AgentError);

    await new Promise((resolve) => squatter.close(resolve));
    clock.advance(30_000);
    await eventually(() => world.api?.address()?.port === port);
    expect((await world.get('/healthz')).status).toBe(200);
  });

  it('leaves nothing behind', async () => {
    const clock = new ManualClock();
    world = await new ApiWorld(clock).serve();
    const { port } = world;
    const idle = await fetch(world.url('/healthz'));
    await idle.text();
    await world.close();
    expect(clock.timerCount).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    expect(world.api?.address()).toBeUndefined();
  });

  it('is left, and tried again, while the address is one of a link to the host', async () => {
    const clock = new ManualClock();
    let isLinkToHost = true;
    const addressGuard = (host: string): void => {
      if (isLinkToHost) throw new AgentError('API_ADDRESS', `will not listen at ${host}`);
    };
    world = await new ApiWorld(clock).serve({ addressGuard });
    expect(world.api?.address()).toBeUndefined();
    isLinkToHost = false;
    clock.advance(30_000);
    await eventually(() => world.api?.address() !== undefined, 'it listens');
    isLinkToHost = true;
    clock.advance(60_000);
    await eventually(() => world.api?.address() === undefined, 'it has closed');
    expect(world.troubles.map(String)).toHaveLength(2);
  });

  it('ends while it has not succeeded', async () => {
    const clock = new ManualClock();
    world = await new ApiWorld(clock).serve({ config: { listen: '192.0.2.1:1' } });
    expect(world.troubles).toHaveLength(1);
    await world.close();
    expect(clock.timerCount).toBe(0);
  });
});

describe('over TLS', () => {
  let folder: CertificateFolder | undefined;
  afterEach(() => folder?.remove());

  /** As curl sees it: the answer, or why there is none. */
  async function curl(...args: readonly string[]): Promise<string> {
    const url = `https://localhost:${world.port}/healthz`;
    const base = ['--silent', '--show-error', '--max-time', '10', '--resolve', `localhost:${world.port}:127.0.0.1`];
    return run('curl', [...base, ...args, url]).then(
      ({ stdout }) => stdout,
      (error: unknown) => String(error),
    );
  }

  async function prepared(): Promise<CertificateFolder> {
    folder = await CertificateFolder.make();
    await folder.authority('ca');
    await folder.authority('other');
    return folder;
  }

  it('serves those whose certificate its authority has signed, and nobody else', async () => {
    const certificates = await prepared();
    const { dir } = certificates;
    const server = await certificates.leaf('server', 'ca');
    const good = await certificates.leaf('good', 'ca');
    const bad = await certificates.leaf('bad', 'other');
    const ca = join(dir, 'ca.pem');
    const tls = { ...server, clientCaFile: ca };
    world = await new ApiWorld().serve({ config: { listen: '127.0.0.1:0', tls } });
    const as = (leaf: typeof good): readonly string[] => ['--cert', leaf.certFile, '--key', leaf.keyFile];
    expect(await curl('--cacert', ca, ...as(good))).toBe('{"status":"ok"}');
    expect(await curl('--cacert', ca, ...as(bad))).toContain('curl: (');
    expect(await curl('--cacert', ca)).toContain('curl: (');
    expect(await curl('--cacert', ca, ...as(good), '--tls-max', '1.2')).toContain('curl: (');
    expect(await curl('--cacert', ca, ...as(good))).toBe('{"status":"ok"}');
  });

  it('shows the new certificate once the files are replaced, and keeps the old one for half a rotation', async () => {
    const certificates = await prepared();
    const { dir } = certificates;
    const first = await certificates.leaf('first', 'ca');
    const second = await certificates.leaf('second', 'other');
    const files = { certFile: join(dir, 'live.pem'), keyFile: join(dir, 'live.key') };
    await copyFile(first.certFile, files.certFile);
    await copyFile(first.keyFile, files.keyFile);
    const clock = new ManualClock();
    world = await new ApiWorld(clock).serve({ config: { listen: '127.0.0.1:0', tls: files } });
    const trusts = async (authority: string): Promise<boolean> =>
      (await curl('--cacert', join(dir, `${authority}.pem`))) === '{"status":"ok"}';
    expect([await trusts('ca'), await trusts('other')]).toEqual([true, false]);

    await copyFile(second.certFile, files.certFile);
    clock.advance(5_000);
    await eventually(() => world.troubles.length > 0);
    expect([await trusts('ca'), await trusts('other')]).toEqual([true, false]);

    await copyFile(second.keyFile, files.keyFile);
    await eventually(async () => {
      clock.advance(5_000);
      return trusts('other');
    });
    expect(await trusts('ca')).toBe(false);
  });

  it('does not begin with files that cannot be used, and says so', async () => {
    const { dir } = await prepared();
    const tls = { certFile: join(dir, 'ca.pem'), keyFile: join(dir, 'nothing.key') };
    world = await new ApiWorld(new ManualClock()).serve({ config: { listen: '127.0.0.1:0', tls } });
    expect(world.api?.address()).toBeUndefined();
    expect(world.troubles).toMatchObject([{ code: 'API_ADDRESS' }]);
  });
});
