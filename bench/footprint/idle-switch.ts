/**
 * A private Open vSwitch on the userspace datapath inside the namespace of the DPU, and the configuration of an agent that
 * keeps so many of the devices there as ports on it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OvsLab } from '../../src/sandbox/lab/ovs.js';
import { benchPod } from '../attach/bench-pods.js';

export class IdleSwitch implements AsyncDisposable {
  readonly lab: OvsLab;
  readonly configFile: string;

  private constructor(lab: OvsLab) {
    this.lab = lab;
    this.configFile = join(lab.dir, 'config.json');
  }

  static async start(portCount: number): Promise<IdleSwitch> {
    const made = new IdleSwitch(await OvsLab.start({ vswitchd: true, dummy: false }));
    try {
      await writeFile(made.configFile, JSON.stringify(made.#config(portCount)));
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.stop();
  }

  #config(portCount: number): object {
    const ports = Array.from({ length: portCount }, (_unused, index) => ({
      kind: 'system',
      name: benchPod(index + 1).device,
      interfaceExternalIds: { 'iface-id': `pod-${index}` },
    }));
    const dir = join(this.lab.dir, 'agent');
    return {
      ovsdb: { endpoints: [`unix:${this.lab.socket}`] },
      ovs: { runDir: this.lab.runDir },
      representors: { finder: 'simulated' },
      agent: { runDir: dir, stateDir: dir },
      api: { http: { listen: '127.0.0.1:0' } },
      bridges: [{ name: 'br-int', datapathType: 'netdev', failMode: 'secure', ports }],
    };
  }
}
