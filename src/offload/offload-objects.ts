/**
 * The things whose offload somebody asks about, each by the ports of the datapath that its packets cross: interfaces,
 * networks of pods, and the hops of chains. Pure. A port can belong to several of them.
 */

export interface OffloadObject {
  /** As the rows of the API have it: `port/p0`, `attachment/ns/pod/nad`, `hop/chain/switch/port`. */
  readonly key: string;
  readonly kind: 'port' | 'attachment' | 'hop';
  readonly name: string;
  /** Name of the port in the datapath. */
  readonly port: string;
  /** Key of the chain that a hop is of. */
  readonly chain?: string | undefined;
}

/** What is read of a pod; `PodFacts` of the attachments is one. */
export interface PodPorts {
  readonly namespace: string;
  readonly name: string;
  readonly attachments: readonly {
    readonly nadKey: string;
    readonly device: string | undefined;
    readonly isPlugged: boolean;
  }[];
}

/** What is read of a chain; `ChainView` is one. */
export interface ChainPorts {
  readonly intent: { readonly name: string };
  readonly switches: readonly {
    readonly ports: readonly {
      readonly key: string;
      readonly interface?: string | undefined;
      readonly target?: { readonly interface: string } | undefined;
    }[];
  }[];
}

/** The interfaces themselves. */
export function objectsOfPorts(names: Iterable<string>): readonly OffloadObject[] {
  return [...names].map((name) => ({ key: `port/${name}`, kind: 'port', name, port: name }));
}

/** Networks of pods whose representor is on the switch. */
export function objectsOfPods(pods: readonly PodPorts[]): readonly OffloadObject[] {
  return pods.flatMap(({ namespace, name, attachments }) =>
    attachments.flatMap(({ nadKey, device, isPlugged }): OffloadObject[] => {
      if (device === undefined || !isPlugged) return [];
      const pod = `${namespace}/${name}`;
      return [{ key: `attachment/${pod}/${nadKey}`, kind: 'attachment', name: pod, port: device }];
    }),
  );
}

/**
 * Hops of chains. Patch ports are not in the datapath, which carries packets through all bridges in one flow: where one
 * stands in for the port that was selected, the hop is that port.
 */
export function objectsOfChains(chains: readonly ChainPorts[]): readonly OffloadObject[] {
  return chains.flatMap(({ intent, switches }) =>
    switches.flatMap(({ ports }) =>
      ports.flatMap((hop): OffloadObject[] => {
        const port = hop.target?.interface ?? hop.interface;
        if (port === undefined) return [];
        return [{ key: `hop/${hop.key}`, kind: 'hop', name: hop.key, port, chain: `chain/${intent.name}` }];
      }),
    ),
  );
}
