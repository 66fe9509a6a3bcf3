/**
 * What the virtual DPU consists of: device names, namespaces, addresses, and the configuration that the agent gets. Pure.
 *
 *     pod namespaces                 DPU namespace                              fabric namespace
 *     eth0 (VF i)  ── veth ──  rep0-i ┐
 *     host0        ── veth ──  pf0hpf ┴ br-int ── patch ── br-sfc ── patch ── br-hbn ┬ p0 ── veth ── fabric0
 *                                                                                    └ p1 ── veth ── fabric1
 */

import type { SandboxOptions } from './options.js';

/** One veth pair: the DPU's end and the far end in a namespace of its own. */
export interface Cable {
  readonly dpuEnd: string;
  readonly farEnd: string;
  readonly farNamespace: string;
  /** Address of the far end with prefix length, if it gets one. */
  readonly address: string | undefined;
}

export interface Layout {
  readonly dpuNamespace: string;
  readonly namespaces: readonly string[];
  readonly cables: readonly Cable[];
}

const namespacePrefix = 'dpusbx';

/** Namespaces of a sandbox carry the pid of its process, so that those of a dead one can be told and removed. */
export function namespacePid(name: string): number | undefined {
  const match = /^dpusbx-(\d+)-/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Address of the pod behind VF `vf`, and of the fabric's end behind p0. */
export const podAddress = (vf: number): string => `10.77.0.${100 + vf}`;
export const fabricAddress = '10.77.0.1';

export function makeLayout(pid: number, vfCount: number): Layout {
  const namespace = (role: string): string => `${namespacePrefix}-${pid}-${role}`;
  const vfs = Array.from({ length: vfCount }, (_, index) => index + 1);
  const cables: Cable[] = [
    { dpuEnd: 'p0', farEnd: 'fabric0', farNamespace: namespace('fabric'), address: `${fabricAddress}/24` },
    { dpuEnd: 'p1', farEnd: 'fabric1', farNamespace: namespace('fabric'), address: undefined },
    { dpuEnd: 'pf0hpf', farEnd: 'host0', farNamespace: namespace('host'), address: '10.77.0.99/24' },
    ...vfs.map((vf) => ({
      dpuEnd: `rep0-${vf}`,
      farEnd: 'eth0',
      farNamespace: namespace(`pod${vf}`),
      address: `${podAddress(vf)}/24`,
    })),
  ];
  const dpuNamespace = namespace('dpu');
  return { dpuNamespace, namespaces: [dpuNamespace, ...new Set(cables.map((cable) => cable.farNamespace))], cables };
}

export interface SandboxPaths {
  readonly dir: string;
  readonly socket: string;
  readonly runDir: string;
  /** Directory under which the agent looks for `sys`. */
  readonly root: string;
}

/** The agent's configuration. JSON is YAML, and needs no quoting rules. */
export function agentConfig(options: Pick<SandboxOptions, 'vfCount'>, paths: SandboxPaths, isReal: boolean): string {
  const vfs = Array.from({ length: options.vfCount }, (_, index) => index + 1);
  const datapath = isReal ? { datapathType: 'netdev' } : {};
  // Standalone: where nobody programs flows, Open vSwitch forwards as a learning switch.
  const bridge = { mode: 'own', failMode: 'standalone', ...datapath };
  const representors = vfs.map((vf) => ({
    kind: 'representor',
    representor: { pf: 0, vf },
    interfaceExternalIds: { 'sandbox-role': `pod${vf}` },
  }));
  return JSON.stringify(
    {
      ovsdb: { endpoints: [`unix:${paths.socket}`] },
      ovs: { runDir: paths.runDir },
      representors: { finder: 'simulated', root: paths.root },
      agent: { runDir: `${paths.dir}/agent`, stateDir: `${paths.dir}/agent` },
      bridges: [
        {
          name: 'br-int',
          ...bridge,
          ports: [
            { kind: 'representor', representor: { pf: 0 } },
            ...representors,
            { kind: 'patch', name: 'patch-int-sfc', peer: { bridge: 'br-sfc', port: 'patch-sfc-int' } },
          ],
        },
        {
          name: 'br-sfc',
          ...bridge,
          // Nothing passes here but what the chain lets through.
          failMode: 'secure',
          ports: [{ kind: 'patch', name: 'patch-sfc-hbn', peer: { bridge: 'br-hbn', port: 'patch-hbn-sfc' } }],
        },
        {
          name: 'br-hbn',
          ...bridge,
          ports: [0, 1].map((uplink) => ({ kind: 'uplink', uplink, externalIds: { 'dpf-type': 'physical' } })),
        },
      ],
      chains: [
        {
          name: 'pods-to-fabric',
          switches: [
            {
              ports: [
                { kind: 'patch', bridge: 'br-int' },
                { kind: 'patch', bridge: 'br-hbn' },
              ],
            },
          ],
        },
      ],
    },
    undefined,
    2,
  );
}
