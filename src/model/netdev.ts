/**
 * The nouns of the host's network devices: what a device is, which function it stands for, how one asks for a
 * representor and what changed. Types only; `src/host` makes them, everything above reads them.
 */

/**
 * What a network device is, seen from the DPU.
 *
 * - `uplink`: representor of a physical port (`p0`).
 * - `hostPf`, `hostVf`, `hostSf`: representor of a function of the host (the untrusted side).
 * - `localPf`, `localVf`, `localSf`: representor of a function of the DPU's own cores.
 * - `other`: everything else, and every device whose sources contradict one another.
 */
export type DeviceKind = 'uplink' | 'hostPf' | 'hostVf' | 'hostSf' | 'localPf' | 'localVf' | 'localSf' | 'other';

/**
 * What a device's kind and numbers rest on, strongest first.
 *
 * - `devlink`: the kernel's devlink port says so.
 * - `portName`: phys_port_name says so without ambiguity.
 * - `legacyName`: a phys_port_name without controller number, which may also mean a function of the DPU itself.
 * - `simulated`: the naming of the DPU simulator; proves nothing.
 * - `conflict`: the sources contradict one another; the kind is then `other`.
 * - `none`: not a representor.
 */
export type IdentityEvidence = 'devlink' | 'portName' | 'legacyName' | 'simulated' | 'conflict' | 'none';

/** Which function or port a device stands for. */
export interface DeviceIdentity {
  readonly kind: DeviceKind;
  readonly evidence: IdentityEvidence;
  /** Number of the host that owns the function, from 1. Absent on firmware that knows only one host. */
  readonly controller?: number | undefined;
  /** Number of the physical port, for an uplink. */
  readonly port?: number | undefined;
  readonly pf?: number | undefined;
  readonly vf?: number | undefined;
  readonly sf?: number | undefined;
  /** Whether the function belongs to the host. Absent for uplinks and other devices. */
  readonly isExternal?: boolean | undefined;
}

/** What the kernel says about one network device. */
export interface LinkFacts {
  readonly name: string;
  /** The kernel counts it up: another number under the same name is another device. */
  readonly ifindex: number;
  /** Lower case with colons; empty for a device without a hardware address. */
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  /** IFF_UP: somebody wants it up. */
  readonly isUp: boolean;
  /** The kernel sees a carrier. Always false while the device is down. */
  readonly hasCarrier: boolean;
  /** RFC 2863 operational state as the kernel spells it: `up`, `down`, `lowerlayerdown`, `unknown` … */
  readonly operstate: string;
  /** IFF_PROMISC. Open vSwitch sets it on each device that it holds, so its absence betrays a re-created device. */
  readonly isPromiscuous: boolean;
  /** How often the carrier has come or gone. */
  readonly carrierChanges?: number | undefined;
  readonly alias?: string | undefined;
  /** Identity of the embedded switch (hexadecimal); absent unless the device is a port of one in switchdev mode. */
  readonly switchId?: string | undefined;
  /** phys_port_name, such as `c1pf0vf3`. */
  readonly portName?: string | undefined;
  /** Kernel drivers of the hardware behind the device, nearest first: `['mlx5_core.sf', 'mlx5_core']`. */
  readonly driverNames?: readonly string[] | undefined;
  /** Least MTU that the kernel accepts, where it says so; sysfs does not. */
  readonly mtuMin?: number | undefined;
  /** Greatest MTU that the kernel accepts, where it says so. */
  readonly mtuMax?: number | undefined;
}

/** What devlink says about the function behind a representor. */
export interface FunctionFacts {
  /** Hardware address of the function on its own side; absent when unset. */
  readonly functionMac?: string | undefined;
  /** Whether the function is switched on (`active`). */
  readonly functionState?: 'active' | 'inactive' | undefined;
  /** `attached`: a driver on the function's own side has bound it, a sign that the host lives. */
  readonly functionOpstate?: 'attached' | 'detached' | undefined;
}

/** One network device of the DPU: its link, what it stands for, and the function behind it. */
export interface Netdev extends LinkFacts, DeviceIdentity, FunctionFacts {}

/** All network devices at one instant, by name. */
export type NetdevMap = ReadonlyMap<string, Netdev>;

/** A change of a network device's link; what is not named stays. */
export interface LinkChange {
  readonly name: string;
  /** Bytes, 68 to 65535; the driver may accept less. */
  readonly mtu?: number | undefined;
  readonly isUp?: boolean | undefined;
}

/**
 * Asks for one representor. Without `controller` the finder's configured host is meant, and where none is configured,
 * any: with several hosts the answer is then `ambiguous`.
 */
export type RepresentorSelector =
  | { readonly kind: 'uplink'; readonly port: number }
  | { readonly kind: 'hostPf'; readonly controller?: number | undefined; readonly pf: number }
  | { readonly kind: 'hostVf'; readonly controller?: number | undefined; readonly pf: number; readonly vf: number }
  | {
      readonly kind: 'sf';
      /** True for a sub-function of the host, false for one of the DPU. */
      readonly isExternal: boolean;
      readonly controller?: number | undefined;
      readonly pf: number;
      readonly sf: number;
    };

/** Why a representor was not found; stable words for conditions, metrics and tests. */
export type MissingCode =
  /** The selector's numbers are out of range or not whole. */
  | 'SELECTOR_INVALID'
  /** No device belongs to an embedded switch: legacy mode, NIC mode, or no BlueField. */
  | 'NO_SWITCHDEV'
  /** The uplink that names the embedded switch to search is itself absent or not a switch port. */
  | 'ESWITCH_UNKNOWN'
  /** Only on an embedded switch that was not asked for. */
  | 'OTHER_ESWITCH'
  /** Only for another host than the one asked for. */
  | 'OTHER_CONTROLLER'
  /** Only a device whose name may as well mean a function of the DPU. */
  | 'LEGACY_NAME_REFUSED'
  /** Its sources contradict one another. */
  | 'IDENTITY_CONFLICT'
  /** The host has made no virtual function of that PF. */
  | 'HOST_VFS_ABSENT'
  /** The host has made virtual functions, not this one. */
  | 'HOST_VF_ABSENT'
  /** No such device. */
  | 'DEVICE_ABSENT'
  /** This finder has no such kind of device. */
  | 'UNSUPPORTED';

/** The answer of a finder. */
export type FindResult =
  | { readonly kind: 'found'; readonly netdev: Netdev }
  | { readonly kind: 'missing'; readonly code: MissingCode; readonly reason: string }
  | { readonly kind: 'ambiguous'; readonly names: readonly string[]; readonly reason: string };

/** One difference between two looks at the devices. Consumers key by name, so each change is told from a name's view. */
export type NetdevChange =
  | { readonly kind: 'appeared'; readonly netdev: Netdev }
  | { readonly kind: 'vanished'; readonly before: Netdev }
  /** The same name is now another device (other ifindex): whoever held the old one holds nothing. */
  | { readonly kind: 'recreated'; readonly before: Netdev; readonly netdev: Netdev }
  /** The same device under a name that was not there before. */
  | { readonly kind: 'renamed'; readonly before: Netdev; readonly netdev: Netdev }
  | {
      readonly kind: 'changed';
      readonly before: Netdev;
      readonly netdev: Netdev;
      readonly fields: readonly (keyof Netdev)[];
    };
