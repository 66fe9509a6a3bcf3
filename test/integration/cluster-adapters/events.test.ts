import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterEvents } from '../../../src/adapters/cluster-events.js';
import { podViewOf } from '../../../src/attach/pod-view.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { PodView } from '../../../src/model/pod.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import { HostCluster } from './host-cluster.js';

describe('events at an API server', () => {
  let cluster: HostCluster;
  beforeEach(async () => {
    cluster = await HostCluster.start();
  });
  afterEach(() => cluster.close());

  async function makeSink(user?: string): Promise<ClusterEvents> {
    return new ClusterEvents({
      client: await cluster.client(user),
      clock: systemClock,
      random: Math.random,
      reporter: { component: 'dpu-node-agent', instance: 'dpu-7' },
      onBug: (error) => expect.unreachable(String(error)),
    });
  }

  function makePod(name: string): PodView {
    cluster.makePod(name);
    return podViewOf(cluster.api.direct.get('pods', { namespace: 'shop', name }))!;
  }

  it('are what kubectl describe shows of the pod', async () => {
    const sink = await makeSink();
    sink.report(makePod('web'), 'Warning', 'RepresentorClaimed', 'The VF 3 of PF 0 is claimed by pod shop/db.');
    await sink.close();
    const shown = await cluster.kubectl('describe', 'pod', '-n', 'shop', 'web');
    expect(shown).toMatch(
      /Warning +RepresentorClaimed .* dpu-node-agent +The VF 3 of PF 0 is claimed by pod shop\/db\./,
    );
  });

  it('are counted over a restart of the agent', async () => {
    const pod = makePod('web');
    for (const words of ['first', 'second', 'third']) {
      const sink = await makeSink();
      sink.report(pod, 'Normal', 'Attached', words);
      await eventually(() => sink.stats().waiting === 0, 'it is sent');
      await sink.close();
    }
    const shown = await cluster.kubectl(
      'get',
      'events',
      '-n',
      'shop',
      '-o',
      'jsonpath={range .items[*]}{.count} {.message};{end}',
    );
    expect(shown).toBe('3 third;');
  });

  it('do no harm where they are forbidden, or the namespace is gone', async () => {
    const poor = await makeSink('poor');
    poor.report(makePod('web'), 'Normal', 'Attached', 'x');
    await eventually(() => poor.stats().failed === 1, 'it is refused');
    expect(poor.stats()).toMatchObject({ waiting: 1, problem: expect.stringContaining('events') as string });
    await poor.close();
    const sink = await makeSink();
    sink.report({ ...makePod('db'), namespace: 'no-such' }, 'Normal', 'Attached', 'x');
    await eventually(() => sink.stats().dropped === 1, 'it is given up');
    await sink.close();
  });

  it('arrive, all of them, when two hundred pods are attached at once', async () => {
    const sink = await makeSink();
    for (let index = 0; index < 200; index += 1) {
      const pod = makePod(`p${index}`);
      sink.report(pod, 'Normal', 'Attached', 'The representor is plugged.');
      sink.report(pod, 'Normal', 'Attached', 'The representor is plugged.');
    }
    await eventually(() => sink.stats().waiting === 0, 'all are sent', 60_000);
    const names = await cluster.kubectl('get', 'events', '-n', 'shop', '-o', 'name');
    expect(names.trim().split('\n')).toHaveLength(200);
    expect(sink.stats()).toMatchObject({ failed: 0, dropped: 0 });
    await sink.close();
  });
});
