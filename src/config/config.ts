/**
 * The agent's configuration as plain readonly types: what every other part of the agent may know about it. Made only by
 * `loadConfig`, which has checked every rule stated here; nothing in this file reads, parses or validates.
 */

/** A whole, valid configuration with every default filled in. A key that is absent means "not managed". */
export interface Config {
  readonly ovsdb: OvsdbConfig;
  readonly ovs: OvsConfig;
  readonly representors: RepresentorsConfig;
  readonly agent: AgentConfig;
  readonly log: LogConfig;
  /** Absent: there is no host cluster, and the mode of `attach` is `off`. */
  readonly hostCluster?: HostClusterConfig;
  readonly attach: AttachConfig;
  readonly api: ApiConfig;
  readonly offload: OffloadConfig;
  /** In the order of the file; names are unique. */
  readonly bridges: readonly BridgeConfig[];
  /** In the order of the file; names are unique. */
  readonly chains: readonly ChainConfig[];
}

/** How to reach ovsdb-server. */
export interface OvsdbConfig {
  /** At least one of `unix:/path`, `tcp:host:port`, `ssl:host:port`; tried in this order. */
  readonly endpoints: readonly string[];
  /** Present whenever an endpoint begins with `ssl:`. */
  readonly tls?: TlsConfig;
  /** Inactivity probe, ms; 0 switches it off. Absent: the client's own default. */
  readonly probeMs?: number;
  /** Deadline of one request, ms. Absent: the client's own default. */
  readonly deadlineMs?: number;
}

/** Paths of PEM files, absolute. The files are read by the client, not when the configuration is loaded. */
export interface TlsConfig {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface OvsConfig {
  /** Directory of `<bridge>.mgmt` and of the daemons' control sockets, absolute. */
  readonly runDir: string;
}

/** How netdevs are matched to functions: by the kernel's switchdev attributes, or by the names of the simulator. */
export type FinderKind = 'switchdev' | 'simulated';

export interface RepresentorsConfig {
  readonly finder: FinderKind;
  /** Directory under which `sys` and `proc` are looked for, absolute; `/` outside tests. */
  readonly root: string;
  /** The host that is meant where a selector names none, 1..255. Absent: any for configured ports, 1 for pods. */
  readonly hostController?: number;
  /**
   * Whether a port name without controller number, which does not say whose function it is, is taken for the host's.
   * Absent: for configured ports, whose functions a person has named, but never for pods, which name them themselves.
   */
  readonly legacyNames?: boolean;
}

export interface AgentConfig {
  /** Value of the ownership mark on rows. Changing it disowns everything made under the old name. */
  readonly owner: string;
  /** What must survive a restart, absolute. */
  readonly stateDir: string;
  /** Lock and sockets, absolute. */
  readonly runDir: string;
  /** How long to gather events before one round of reconciliation, ms. */
  readonly coalesceMs: number;
  /** A full round takes place at least this often, ms. */
  readonly fullResyncMs: number;
  /** An owned row that nothing wants any more is deleted no sooner than this after it was first seen, ms. */
  readonly orphanGraceMs: number;
  /** ... and only after it was seen in this many full rounds. */
  readonly orphanSightings: number;
  /** Nothing is written for this long after the start, ms. */
  readonly bootGraceMs: number;
  /** `observe`: every bridge is treated as if its mode were `observe`; the agent writes nothing. */
  readonly repair: 'on' | 'observe';
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
}

/** The API server of the host cluster, and the node whose pods this DPU serves. */
export interface HostClusterConfig {
  readonly access: ClusterAccess;
  /** Absent: `external_ids:host-k8s-nodename` of table Open_vSwitch. */
  readonly nodeName?: string;
}

/** How the API server is reached. Paths are absolute; the files are read when they are used, and again when they change. */
export type ClusterAccess = KubeconfigAccess | InClusterAccess | ServerAccess;

export interface KubeconfigAccess {
  readonly kind: 'kubeconfig';
  readonly kubeconfig: string;
  /** Absent: the current context of the file. */
  readonly context?: string;
}

/** By the service account of the agent's own pod. */
export interface InClusterAccess {
  readonly kind: 'inCluster';
}

export interface ServerAccess {
  readonly kind: 'server';
  /** `https://…`, or `http://…` on a loopback address. Has no user, query or fragment. */
  readonly server: string;
  /** Present with https. Absent or a token with http. */
  readonly identity?: ClusterIdentity;
  /** Present with https, absent with http. */
  readonly authority?: ClusterAuthority;
}

/** As whom the agent shows itself. */
export type ClusterIdentity =
  | { readonly kind: 'token'; readonly tokenFile: string }
  | { readonly kind: 'certificate'; readonly certFile: string; readonly keyFile: string };

/** Who signed the certificate of the server; `pem` holds one or more certificates that can be read. */
export type ClusterAuthority =
  { readonly kind: 'file'; readonly caFile: string } | { readonly kind: 'data'; readonly pem: string };

/**
 * `off`: pods are not looked at. `observe`: they are, and nothing is written anywhere, since ovn-kubernetes in DPU mode
 * plugs them. `attach`: the agent plugs them.
 */
export type AttachMode = 'off' | 'observe' | 'attach';

/** How the pods of the host cluster get their ports. */
export interface AttachConfig {
  /** Another mode than `off` only with a host cluster. */
  readonly mode: AttachMode;
  /** In mode `attach` not one that is listed with mode `observe`; one that is not listed is shared. */
  readonly bridge: string;
  /** MTU of the representors, 68..65535. Absent: that of the network, or left alone where that says none. */
  readonly mtu?: number;
  /** Whether a pod is ready only once ovn-controller has set `ovn-installed`. */
  readonly ovnInstalled: 'require' | 'ignore';
  /** What it means that the MAC of a function, where it can be told, is not that of the pod. */
  readonly functionMac: 'require' | 'report' | 'ignore';
  /** Functions that pods may have, each in one pool. Absent: all VFs of the host. */
  readonly pools?: readonly VfPool[];
  /** Functions that no pod gets, whatever `pools` says. */
  readonly reserved: readonly ReservedVf[];
  /** Unique. Not empty: a pod must ask for one of them. */
  readonly resourceNames: readonly string[];
  /** How long a pod may take to become ready before its status is an error, ms, 1000..115000. */
  readonly waitMs: number;
  /** How long the port of a pod stays that is missing from the list and was not seen to be deleted, ms. */
  readonly goneGraceMs: number;
  /** How many statuses are written at the same time, 1..64. */
  readonly statusConcurrency: number;
  readonly lease: LeaseConfig;
}

export interface VfPool {
  readonly pf: number;
  /** Not empty, ascending, apart from one another. */
  readonly vfs: readonly VfRange[];
}

/** From `first` to `last`, both included, 0..4095. */
export interface VfRange {
  readonly first: number;
  readonly last: number;
}

export interface ReservedVf {
  /** Absent: every PF. */
  readonly pf?: number;
  readonly vf: number;
}

/** The lease `ovn-dpu-<node>` by which the host knows that the DPU is healthy. */
export interface LeaseConfig {
  readonly namespace: string;
  /** ms; 0 switches the lease off. */
  readonly renewMs: number;
  /** s; longer than `renewMs`. */
  readonly durationS: number;
  readonly holder: string;
}

/** How hardware offload is supervised. */
export interface OffloadConfig {
  /**
   * `off`: it is not looked at. `observe`: it is, and nothing is written. `apply`: declared settings that ovs-vswitchd takes
   * while it runs are written; nothing else ever is.
   */
  readonly mode: 'off' | 'observe' | 'apply';
  /** Keys of Open_vSwitch:other_config that concern offload, and `eswitch-mode`; a key that is absent is not managed. */
  readonly settings: StringMap;
  /** `auto`: flows are dumped where they are few. `asked`: only when somebody asks. `off`: never. */
  readonly flows: 'auto' | 'asked' | 'off';
  /** Whether to read NVIDIA's exporter on this port of the loopback address, where ovs-vswitchd has no `metrics/show`; 0: not. */
  readonly exporterPort: number;
  readonly expect: OffloadExpectation;
  /** No verdict before this time after boot, where the platform does not say that it is ready, ms. */
  readonly bootGraceMs: number;
  readonly thresholds: OffloadThresholds;
}

/** What has to be there. */
export interface OffloadExpectation {
  /** Each PF once. */
  readonly vfs: readonly { readonly pf: number; readonly count: number }[];
  /** Devices of devlink: `pci/0000:03:00.0`. */
  readonly cards: readonly string[];
}

/** Where a guard speaks up. */
export interface OffloadThresholds {
  /** Parts of 1. */
  readonly ratioMin: number;
  readonly ratioPacketsMin: number;
  readonly connectionsFillMax: number;
  readonly heapFillMax: number;
  readonly hugePageBytesMin: number;
  readonly memoryAvailableBytesMin: number;
  readonly residentGrowthBytesPerHourMax: number;
  readonly restoreWaitMsMax: number;
  readonly staleMsMin: number;
  readonly tunnelOverheadBytes: number;
}

/** How others see and steer the agent. */
export interface ApiConfig {
  readonly grpc: GrpcConfig;
  readonly http: HttpConfig;
  readonly metrics: MetricsConfig;
}

export interface GrpcConfig {
  readonly mode: 'on' | 'off';
  /** Unix socket, absolute. Absent: `api.sock` in `agent.runDir`. */
  readonly socket?: string;
  /** Name or number of the group that may open the socket. Absent: that of the process. */
  readonly group?: string;
  /** `host:port`, each an address of this machine and never a wildcard; needs `tls`. */
  readonly listen: readonly string[];
  /** Present whenever `listen` is not empty. */
  readonly tls?: ServerTlsConfig & { readonly clientCaFile: string };
  /** Who may what. Root and the agent's own user may everything on the socket. */
  readonly grants: readonly GrantConfig[];
  /** Whether the server tells its services by reflection. */
  readonly reflection: boolean;
  /** How long the controller of an owner may be away before its chains are told, ms. */
  readonly controllerLossMs: number;
}

/** Paths of PEM files, absolute; read anew when they change. */
export interface ServerTlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities of clients' certificates. */
  readonly clientCaFile?: string;
}

/** What one identity may. */
export interface GrantConfig {
  /** `uid:0`, `gid:990`, `spiffe://…`, `dns:name`, `uri:…`, `cn:name`. */
  readonly identity: string;
  readonly role: 'viewer' | 'controller' | 'operator';
  /** Role controller: owners under which it may write. Absent: any. */
  readonly owners?: readonly string[];
}

export interface HttpConfig {
  readonly mode: 'on' | 'off';
  /** `host:port`; another address than a loopback one needs `tls`, and `tokenFile` or a client CA. Never a wildcard. */
  readonly listen: string;
  readonly tls?: ServerTlsConfig;
  /** File with the bearer token; read anew when it changes. */
  readonly tokenFile?: string;
}

export interface MetricsConfig {
  /** Whether series of representors are exported at all. */
  readonly representors: boolean;
  /** Whether they carry the namespace and name of the pod. */
  readonly podLabels: boolean;
  /** At most this many representors have series; the rest are counted. */
  readonly representorsMax: number;
}

/**
 * `own`: the agent creates the bridge and writes its settings. `share`: somebody else makes the bridge, the agent adds its
 * ports. `observe`: the agent reads only. In `share` the bridge's settings, and in `observe` settings and ports, are
 * expectations: a difference is a finding and is never repaired.
 */
export type BridgeMode = 'own' | 'share' | 'observe';

export type FailMode = 'secure' | 'standalone';

/** Names of OpenFlow versions as column Bridge.protocols spells them. */
export type OpenFlowProtocol = 'OpenFlow10' | 'OpenFlow11' | 'OpenFlow12' | 'OpenFlow13' | 'OpenFlow14' | 'OpenFlow15';

/** Keys and values of an OVSDB map column, applied key by key; keys that are not listed are left alone. */
export type StringMap = Readonly<Record<string, string>>;

export interface BridgeConfig {
  readonly name: string;
  readonly mode: BridgeMode;
  /** Take over an existing bridge of this name that carries no ownership mark. Only ever true in mode `own`. */
  readonly adopt: boolean;
  /** Bridge.datapath_type. */
  readonly datapathType?: string;
  readonly failMode?: FailMode;
  /** Not empty, unique, sorted by version. */
  readonly protocols?: readonly OpenFlowProtocol[];
  /** other_config:datapath-id, 16 lower-case hexadecimal digits, not zero. Absent: pinned by the agent. */
  readonly datapathId?: string;
  /** other_config:hwaddr, a locally administered unicast address in lower case. Absent: pinned by the agent. */
  readonly hwaddr?: string;
  /** mtu_request of the local port, 68..65535. */
  readonly mtu?: number;
  /** Never holds `datapath-id` or `hwaddr`: those have keys of their own. */
  readonly otherConfig: StringMap;
  readonly externalIds: StringMap;
  /** In the order of the file, then the implied patch ports. Names are unique over all bridges. */
  readonly ports: readonly PortConfig[];
}

export type PortConfig = NamedPort | PatchPort | RepresentorPort | UplinkPort;

export type PortKind = PortConfig['kind'];

/** What every kind of port has. The OVS port and its one interface have the same name. */
export interface PortSettings {
  readonly vlan?: VlanConfig;
  /** Interface.ofport_request, 1..65279, unique in the bridge. */
  readonly ofport?: number;
  /** Interface.options; never holds `peer`. */
  readonly options: StringMap;
  /** Port.other_config. */
  readonly otherConfig: StringMap;
  /** Port.external_ids. */
  readonly externalIds: StringMap;
  /** Interface.external_ids. */
  readonly interfaceExternalIds: StringMap;
  /** Take over an existing port of this name, on this bridge, that carries no ownership mark. Never true in mode `observe`. */
  readonly adopt: boolean;
}

/** What ports with a device (all but patch ports) have besides. */
export interface DeviceSettings extends PortSettings {
  /** Interface.mtu_request, 68..65535. */
  readonly mtu?: number;
}

/** A port whose device is known by name: Interface.type is '' for `system`, else the kind itself. */
export interface NamedPort extends DeviceSettings {
  readonly kind: 'system' | 'internal' | 'dpdk';
  readonly name: string;
}

/** Interface.type of a port whose device the finder finds: '' for `system`. */
export type FoundInterfaceType = 'system' | 'dpdk' | 'doca';

/** A port on the representor of a function. */
export interface RepresentorPort extends DeviceSettings {
  readonly kind: 'representor';
  /** The device's expected name. Absent: the name of whatever device the finder finds. */
  readonly name?: string;
  readonly representor: RepresentorSelector;
  /** Absent: what the datapath of the bridge wants. */
  readonly interfaceType?: FoundInterfaceType;
}

/** A port on the representor of a physical port. */
export interface UplinkPort extends DeviceSettings {
  readonly kind: 'uplink';
  /** The device's expected name. Absent: the name of whatever device the finder finds. */
  readonly name?: string;
  /** Number of the physical port, from 0. */
  readonly uplink: number;
  /** Absent: what the datapath of the bridge wants. */
  readonly interfaceType?: FoundInterfaceType;
}

/** One side of a patch pair. */
export interface PatchPort extends PortSettings {
  readonly kind: 'patch';
  readonly name: string;
  readonly peer: PatchPeer;
  /**
   * True when the file does not mention this side: it was made by `createPeer` of the other side. Such ports are already in
   * `ports` of their bridge, so a reader of the configuration never has to derive them.
   */
  readonly isImplied: boolean;
}

export interface PatchPeer {
  readonly bridge: string;
  readonly port: string;
}

/**
 * Which function a representor stands for. `controller` 0 is the DPU itself, 1 and above are hosts; absent where the file
 * does not say: the host's, but for SFs, which are then the DPU's. A PF or VF is never the DPU's own.
 */
export type RepresentorSelector =
  | { readonly kind: 'pf'; readonly pf: number; readonly controller?: number }
  | { readonly kind: 'vf'; readonly pf: number; readonly vf: number; readonly controller?: number }
  | { readonly kind: 'sf'; readonly pf: number; readonly sf: number; readonly controller?: number };

export type VlanMode = 'access' | 'trunk' | 'native-tagged' | 'native-untagged';

/** Port.tag, trunks and vlan_mode. `access` and `native-*` have a tag, `trunk` has none, `access` has no trunks. */
export interface VlanConfig {
  readonly tag?: number;
  /** Unique, ascending. */
  readonly trunks?: readonly number[];
  readonly mode?: VlanMode;
}

/** A service chain: switches on one bridge, each of which connects its ports with one another and with nothing else. */
export interface ChainConfig {
  readonly name: string;
  /** Declared in `bridges`, with another mode than `observe`. */
  readonly bridge: string;
  /** The largest packet that must pass, bytes, 68..65535. Absent: not checked. */
  readonly mtu?: number;
  readonly tenant?: string;
  /** Other tenants whose ports the chain may connect with its own; unique, sorted. */
  readonly joinsTenants: readonly string[];
  /** What happens to the traffic while the controller that wants the chain cannot be reached. */
  readonly onControllerLoss: 'keep' | 'close';
  /** `refuse`: a station stays where it was first seen until it was silent for the ageing time. */
  readonly macMove: 'allow' | 'refuse';
  /** How long a station is remembered after its last frame, seconds, 1..65535. */
  readonly ageingSeconds: number;
  /** How many stations may be learned, 1..65535. */
  readonly stationCountMax: number;
  /** 1..50, in the order of the file. */
  readonly switches: readonly ChainSwitchConfig[];
}

export interface ChainSwitchConfig {
  /** Unique in the chain. Absent: the switch goes by its place, from 1. */
  readonly name?: string;
  /** 2..50, in the order of the file. No two can mean the same frames of the same port. */
  readonly ports: readonly ChainPortConfig[];
}

export type ChainPortConfig =
  ChainUplinkPort | ChainRepresentorPort | ChainServicePort | ChainLabelsPort | ChainPatchPort;

export type ChainPortKind = ChainPortConfig['kind'];

/** What every kind of chain port has. */
export interface ChainPortSettings {
  /** Unique in the switch. */
  readonly name?: string;
  readonly vlan?: ChainVlanConfig;
  /** Absent: the tenant of the chain. */
  readonly tenant?: string;
  /** Unicast addresses in lower case with colons; sorted, each on one port of a switch. */
  readonly pinnedMacs: readonly string[];
}

export interface ChainUplinkPort extends ChainPortSettings {
  readonly kind: 'uplink';
  /** Number of the physical port, from 0. */
  readonly uplink: number;
}

export interface ChainRepresentorPort extends ChainPortSettings {
  readonly kind: 'representor';
  readonly representor: RepresentorSelector;
}

/** The interface that the CNI of DPF has given this `external_ids:dpf-id`. */
export interface ChainServicePort extends ChainPortSettings {
  readonly kind: 'service';
  readonly dpfId: string;
}

/** The interface whose external_ids, with those of its port, hold all of these pairs. */
export interface ChainLabelsPort extends ChainPortSettings {
  readonly kind: 'labels';
  /** Not empty. */
  readonly labels: StringMap;
}

/** The patch port of the chain's bridge towards another. */
export interface ChainPatchPort extends ChainPortSettings {
  readonly kind: 'patch';
  /** Another bridge than the chain's. */
  readonly bridge: string;
  /** Name of the patch port itself. Absent: there is only one towards that bridge. */
  readonly name?: string;
}

/**
 * `access`: untagged on the wire, in VLAN `tag` on the ports of the switch that have no VLAN of their own. `tagged`: only
 * frames of VLAN `tag`, which have no tag inside the switch.
 */
export interface ChainVlanConfig {
  readonly kind: 'access' | 'tagged';
  /** 1..4094. */
  readonly tag: number;
}
