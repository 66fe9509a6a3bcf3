/**
 * What the virtual DPU consists of: device names, namespaces, addresses, and the configuration that the agent gets. Pure.
 *
 *     pod namespaces                 DPU namespace                              fabric namespace
 *     eth0 (VF i)  ── veth ──  rep0-i ┐   (plugged for pods of the embedded host cluster)
 *     host0        ── veth ──  pf0hpf ┴ br-int ── patch ── br-sfc ── patch ── br-hbn ┬ p0 ── veth ── fabric0
 *                                                                                    └ p1 ── veth ── fabric1
 */

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

/** How the namespaces of sandboxes begin; the pid of the process and a number follow. */
export const namespaceKind = 'dpusbx';

/** Namespaces of a sandbox carry the pid of its process, so that those of a dead one can be told and removed. */
export function namespacePid(name: string): number | undefined {
  const match = /^dpusbx-(\d+)-/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** First two bytes of the addresses of pods; and the address of the fabric's end behind p0. */
export const podPrefix = '10.77';
export const fabricAddress = `${podPrefix}.0.1`;

/** The host node whose pods the DPU serves, and where the lease of the DPU lies. */
export const nodeName = 'host-1';
export const leaseNamespace = 'ovn-kubernetes';

/** @param prefix of the names of namespaces; those of the DPU and of the host are made with the functions */
export function makeLayout(prefix: string): Layout {
  const namespace = (role: string): string => `${prefix}-${role}`;
  const cables: Cable[] = [
    { dpuEnd: 'p0', farEnd: 'fabric0', farNamespace: namespace('fabric'), address: `${fabricAddress}/16` },
    { dpuEnd: 'p1', farEnd: 'fabric1', farNamespace: namespace('fabric'), address: undefined },
    { dpuEnd: 'pf0hpf', farEnd: 'host0', farNamespace: namespace('host'), address: `${podPrefix}.255.99/16` },
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
  /** How the agent reaches the embedded host cluster. */
  readonly kubeconfig: string;
}

/** The agent's configuration. JSON is YAML, and needs no quoting rules. */
export function agentConfig(paths: SandboxPaths, isReal: boolean): string {
  const datapath = isReal ? { datapathType: 'netdev' } : {};
  // Standalone: where nobody programs flows, Open vSwitch forwards as a learning switch.
  const bridge = { mode: 'own', failMode: 'standalone', ...datapath };
  return JSON.stringify(
    {
      ovsdb: { endpoints: [`unix:${paths.socket}`] },
      ovs: { runDir: paths.runDir },
      representors: { finder: 'simulated', root: paths.root },
      agent: { runDir: `${paths.dir}/agent`, stateDir: `${paths.dir}/agent` },
      // Any free port: several sandboxes may run at once.
      api: { http: { listen: '127.0.0.1:0' } },
      hostCluster: { kubeconfig: paths.kubeconfig, nodeName },
      // No OVN here: br-int forwards by itself.
      attach: { mode: 'attach', ovnInstalled: 'ignore', lease: { namespace: leaseNamespace } },
      bridges: [
        {
          name: 'br-int',
          ...bridge,
          ports: [
            { kind: 'representor', representor: { pf: 0 } },
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
