import { describe, expect, it } from 'vitest';
import { ClusterApi, adminUser } from '../../../src/sandbox/cluster/cluster-api.js';
import { eventually } from '../../../src/sandbox/lab/daemon.js';
import {
  CniFailure,
  HostApi,
  HostFunctions,
  HostHalf,
  defaultNetwork,
  representorOf,
  type HostHalfOptions,
} from '../../../src/sandbox/lab/host-half.js';
import { OvnLab } from '../../../src/sandbox/lab/ovn.js';
import { OvsLab } from '../../../src/sandbox/lab/ovs.js';
import { detailsAnnotation, statusAnnotation } from '../../../src/sandbox/lab/pod-networks.js';
import { PlugByHand } from './plug-by-hand.js';

const node = 'host-1';
const functionsOf = (count: number) => Array.from({ length: count }, (_, index) => ({ pf: 0, vf: index + 1 }));
const blue = { nad: 'shop/blue', switchName: 'blue', prefix: '10.99' };

/** Host, switch, OVN and the DPU's half by hand. */
class World implements AsyncDisposable {
  readonly cluster = new ClusterApi({ kubelet: 'manual' });
  readonly #made: AsyncDisposable[] = [];
  api!: HostApi;
  functions!: HostFunctions;
  ovs!: OvsLab;
  ovn!: OvnLab;
  half!: HostHalf;
  hand!: PlugByHand;

  static async make(count: number, more: Partial<HostHalfOptions> = {}): Promise<World> {
    const world = new World();
    try {
      await world.#start(count, more);
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(count: number, more: Partial<HostHalfOptions>): Promise<void> {
    await this.cluster.start();
    const { url: server, ca } = this.cluster;
    this.api = new HostApi({ server, ca, token: this.cluster.tokenFor(adminUser) });
    this.functions = this.#use(await HostFunctions.make(functionsOf(count)));
    this.ovs = this.#use(await OvsLab.start({ vswitchd: true, dummy: false, netns: this.functions.dpu }));
    this.ovn = this.#use(await OvnLab.start(this.ovs));
    const { api, functions, ovn } = this;
    const networks = [defaultNetwork, blue];
    this.half = this.#use(await HostHalf.start({ api, node, functions, ovn, networks, ...more }));
    await this.half.addNamespace('shop');
    this.hand = this.#use(new PlugByHand(api, this.half.cache, this.ovs, functions));
  }

  #use<T extends AsyncDisposable>(made: T): T {
    this.#made.push(made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#made.reverse()) await one[Symbol.asyncDispose]();
    this.api.close();
    await this.cluster.close();
  }
}

describe("the host's half", () => {
  it('runs pods that reach one another, and takes everything back', async () => {
    await using world = await World.make(4);
    const { half, functions, ovn, ovs } = world;
    const pods = await half.runPods([
      { namespace: 'shop', name: 'a', networks: 'blue' },
      { namespace: 'shop', name: 'b', networks: 'blue' },
    ]);
    expect(await ovn.boundPorts()).toEqual(['shop.blue_shop_a', 'shop.blue_shop_b', 'shop_a', 'shop_b']);
    const [first, second] = pods.map(({ role, interfaces }) => ({
      role,
      addresses: interfaces.map(({ cidrs }) => cidrs[0]!.replace(/\/.*/, '')),
    }));
    for (const address of second!.addresses) {
      await eventually(() => functions.ping(first!.role, address, 2), `answers from ${address}`);
    }
    expect(functions.freeCount).toBe(0);
    await half.stopPods(pods);
    await eventually(async () => (await ovn.nbctl('lsp-list', 'node1')) === '', 'no logical port');
    await eventually(async () => (await ovs.vsctl('list-ports', 'br-int')) === '', 'no port');
    expect(functions.freeCount).toBe(4);
    expect(half.cache.pods).toEqual([]);
    expect([world.hand.failures, half.controller.failures, half.cache.failures]).toEqual([[], [], []]);
  });

  it('fails at once when the status is another than Ready, and gives the function back', async () => {
    await using world = await World.make(1);
    const { api, half, functions, hand, ovs } = world;
    hand.isIdle = true;
    const pod = await half.kubelet.createPod({ namespace: 'shop', name: 'a' });
    const failing = half.kubelet.startSandbox(pod);
    failing.catch(String);
    const details = (): string | undefined => half.cache.find('shop', 'a')?.metadata.annotations?.[detailsAnnotation];
    expect(JSON.parse(await eventually(details, 'details'))).toEqual({
      default: {
        pfId: '0',
        vfId: '1',
        sandboxId: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        vfNetdevName: 'eth0-1',
      },
    });
    await api.annotate('shop', 'a', undefined, () => ({
      [statusAnnotation]: '{"default":{"status":"Error","reason":"no such function"}}',
    }));
    await expect(failing).rejects.toThrow('connection status is Error (no such function)');
    await expect(failing).rejects.toBeInstanceOf(CniFailure);
    await eventually(() => details() === undefined, 'no details');
    expect(functions.freeCount).toBe(1);
    // The next sandbox of the same pod meets a DPU that works.
    await api.annotate('shop', 'a', undefined, () => ({ [statusAnnotation]: null }));
    hand.isIdle = false;
    const running = await half.kubelet.startSandbox(pod);
    expect(await ovs.vsctl('list-ports', 'br-int')).toBe('rep0-1\n');
    await half.kubelet.stopPod(running);
  });

  it('gives up on a DPU that says nothing', async () => {
    await using world = await World.make(1, { addMsMax: 500 });
    world.hand.isIdle = true;
    await expect(world.half.kubelet.runPod({ namespace: 'shop', name: 'a' })).rejects.toThrow('timed out');
    expect(world.functions.freeCount).toBe(1);
  });

  it('adds nothing while the lease has run out', async () => {
    await using world = await World.make(1, { leaseNamespace: 'ovn-kubernetes' });
    const { api, half, functions } = world;
    await half.cni.status();
    const path = '/apis/coordination.k8s.io/v1/namespaces/ovn-kubernetes/leases/ovn-dpu-host-1';
    const old = { spec: { renewTime: '2020-01-01T00:00:00.000000Z' } };
    await api.call('PATCH', path, old, 'application/merge-patch+json');
    await expect(half.runPods([{ namespace: 'shop', name: 'a' }])).rejects.toThrow('1 pods do not run');
    await expect(half.cni.status()).rejects.toThrow('DPU Not Ready');
    expect(functions.freeCount).toBe(1);
    expect((await api.pod('shop', 'a'))?.metadata.annotations).not.toHaveProperty(detailsAnnotation);
  });

  it('loses all functions when the host reboots, and has them anew', async () => {
    await using world = await World.make(2);
    const { half, functions } = world;
    const [pod] = await half.runPods([{ namespace: 'shop', name: 'a', functions: [{ pf: 0, vf: 2 }] }]);
    expect(pod?.interfaces[0]?.request.function).toEqual({ pf: 0, vf: 2 });
    const gone = await functions.vanish();
    expect(gone.map(representorOf)).toEqual(['rep0-1', 'rep0-2']);
    await half.stopPods([pod!]);
    expect(functions.freeCount).toBe(0);
    await functions.create(gone);
    expect(functions.freeCount).toBe(2);
  });
});
