/** A real server of Prometheus scrapes the API of an agent: over plain HTTP, and over TLS with a token. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { ApiWorld, attachOf, podRow, portRow } from '../../fakes/api-world.js';
import { dashboard } from '../../fakes/deployed.js';
import { supervised } from '../../fakes/offload-overview.js';
import { CertificateFolder } from '../../kube/certificates.js';
import { Prometheus } from './prometheus-server.js';

/**
 * Panels that Prometheus does not understand, figures that are not exactly one, and panels that show nothing of a healthy agent and
 * do not say in words what that means.
 */
async function strangePanels(prometheus: Prometheus, instance: string): Promise<readonly string[]> {
  const strange: string[] = [];
  for (const { type, title, targets = [], fieldConfig } of [
    ...dashboard('node').panels,
    ...dashboard('fleet').panels,
  ]) {
    let count = 0;
    for (const { expr } of targets) {
      const filled = expr.replaceAll('$instance', instance).replaceAll('$__rate_interval', '5s');
      count += (await prometheus.query(filled)).length;
    }
    const isSaid = fieldConfig?.defaults.noValue !== undefined;
    const isRight = type === 'row' || (type === 'stat' ? count === 1 : count > 0 || isSaid);
    if (!isRight) strange.push(`${title}: ${count} series`);
  }
  return strange;
}

describe('a server of Prometheus', () => {
  let dir = '';
  let server: Prometheus | undefined;
  let certificates: CertificateFolder | undefined;
  const worlds: ApiWorld[] = [];

  afterEach(async () => {
    await server?.stop();
    await Promise.all(worlds.splice(0).map((world) => world.close()));
    await certificates?.remove();
    await rm(dir, { recursive: true, force: true });
  });

  it('finds its targets up, gets the series of every interface, and loses those of one that goes', async () => {
    dir = await mkdtemp(join(tmpdir(), 'prometheus-'));
    certificates = await CertificateFolder.make();
    await certificates.authority('ca');
    const leaf = await certificates.leaf('server', 'ca');
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, 'open sesame'.replace(' ', '-'));
    const plain = await new ApiWorld().serve();
    const guarded = await new ApiWorld().serve({ config: { listen: '127.0.0.1:0', tls: leaf, tokenFile } });
    worlds.push(plain, guarded);
    for (const world of worlds) {
      const rows = Array.from({ length: 50 }, (_, index) => portRow(`pf0vf${index}`, world.clock.wallMs()));
      world.rows = [...rows, ...rows.map((row) => podRow(row, 'shop', `web "${row.name}"`))];
      world.show({ attach: attachOf(world.clock) });
      world.offload = supervised();
    }
    server = await Prometheus.start(dir, [
      {
        job_name: 'dpu-node-agent',
        static_configs: [{ targets: [`127.0.0.1:${plain.port}`] }],
      },
      {
        job_name: 'guarded',
        scheme: 'https',
        authorization: { credentials_file: tokenFile },
        tls_config: { ca_file: join(certificates.dir, 'ca.pem') },
        static_configs: [{ targets: [`127.0.0.1:${guarded.port}`] }],
      },
      {
        job_name: 'stranger',
        scheme: 'https',
        tls_config: { ca_file: join(certificates.dir, 'ca.pem') },
        static_configs: [{ targets: [`127.0.0.1:${guarded.port}`] }],
      },
    ]);
    const prometheus = server;
    const health = await eventually(async () => {
      const targets = await prometheus.targets();
      return targets.length === 3 && targets.every((target) => target.health !== 'unknown') && targets;
    });
    const byJob = new Map(health.map((target) => [target.labels['job'], target]));
    expect(byJob.get('dpu-node-agent')).toMatchObject({ health: 'up', lastError: '' });
    expect(byJob.get('guarded')).toMatchObject({ health: 'up', lastError: '' });
    expect(byJob.get('stranger')).toMatchObject({ health: 'down' });
    expect(byJob.get('stranger')?.lastError).toContain('401');

    for (const job of ['dpu-node-agent', 'guarded']) {
      const expr = `dpu_agent_interface_bytes_total{job="${job}", direction="sent"}`;
      const series = await eventually(async () => {
        const found = await prometheus.query(expr);
        return found.length === 50 && found;
      });
      const one = series.find(({ metric }) => metric['interface'] === 'pf0vf7');
      expect(one?.metric).toMatchObject({ namespace: 'shop', pod: 'web "pf0vf7"', bridge: 'br-int' });
      expect(one?.value[1]).toBe('101000');
    }

    plain.rows = plain.rows.filter((row) => row.interface !== 'pf0vf7');
    // Prometheus marks what is missing from a scrape as stale at once.
    await eventually(async () => {
      const left = await prometheus.query('dpu_agent_interface_bytes_total{job="dpu-node-agent", direction="sent"}');
      return left.length === 49;
    });
    const rules = await eventually(async () => {
      const all = await prometheus.rules();
      return all.length > 0 && all.every((rule) => rule.health !== 'unknown') && all;
    });
    expect(rules.filter((rule) => rule.health !== 'ok')).toEqual([]);
    const looks = plain.book.recorder('ports');
    let strange: readonly string[] = [];
    let hardware = 1_000_000;
    const isWell = async (): Promise<boolean> => {
      hardware += 1_000;
      plain.offload = supervised({ packets: { hardware, software: 5_000 } });
      looks.round(1);
      looks.took('plan', 2);
      strange = await strangePanels(prometheus, `127.0.0.1:${plain.port}`);
      return strange.length === 0;
    };
    await eventually(isWell, 'every panel shows something').catch(() => expect(strange).toEqual([]));
    expect(plain.switchReads + guarded.switchReads).toBe(0);
  });
});
