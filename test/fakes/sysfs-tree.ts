/**
 * Builds a `/sys/class/net` under a temporary directory from a description, so that the inventory can be run on machines
 * that this one is not. A description is what the kernel's documentation says, not a capture: see
 * test/fixtures/sysfs/README.md.
 */
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One device. What is left out has the value of a quiet Ethernet device; `null` means that the attribute is absent. */
export interface SysfsDevice {
  readonly name: string;
  readonly ifindex: number;
  readonly address?: string;
  readonly mtu?: number;
  /** As the kernel writes it: `0x1003`. */
  readonly flags?: string;
  readonly carrier?: string | null;
  readonly operstate?: string;
  readonly carrierChanges?: number;
  readonly alias?: string;
  readonly switchId?: string;
  readonly portName?: string;
  readonly driver?: string;
  /** Makes the device one of the auxiliary bus whose parent has this driver. */
  readonly parentDriver?: string;
}

/** A description file: the devices and what devlink writes on that system. */
export interface SysfsDescription {
  readonly about: string;
  readonly devices: readonly SysfsDevice[];
  /** The output of `devlink -j port show`; absent where there is no devlink. */
  readonly devlinkPorts?: unknown;
  readonly devlinkEswitches?: unknown;
}

export async function readDescription(name: string): Promise<SysfsDescription> {
  const path = join(import.meta.dirname, '..', 'fixtures', 'sysfs', `${name}.json`);
  return JSON.parse(await readFile(path, 'utf8')) as SysfsDescription;
}

/** A tree that can be changed like the devices of a machine. */
export class SysfsTree {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(devices: readonly SysfsDevice[] = []): Promise<SysfsTree> {
    const root = await mkdtemp(join(tmpdir(), 'sysfs-'));
    const tree = new SysfsTree(root);
    await mkdir(tree.path(''), { recursive: true });
    for (const device of devices) await tree.add(device);
    return tree;
  }

  /** The path of a device's directory, or of a file in it. */
  path(name: string, attribute = ''): string {
    return join(this.root, 'sys/class/net', name, attribute);
  }

  /** Adds a device, whole at once as the kernel does. */
  async add(device: SysfsDevice): Promise<void> {
    const directory = join(this.root, 'sys/devices', `net-${device.ifindex}`);
    await mkdir(directory, { recursive: true });
    await Promise.all(
      attributesOf(device).map(([attribute, text]) => writeFile(join(directory, attribute), `${text}\n`)),
    );
    if (device.driver !== undefined) await this.#addDriver(directory, device.driver, device.parentDriver);
    await symlink(directory, this.path(device.name));
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { recursive: true, force: true });
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.path(from), this.path(to));
  }

  async set(name: string, attribute: string, text: string): Promise<void> {
    await writeFile(this.path(name, attribute), `${text}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  /** A hardware device beside the network device: `device/driver`, and for the auxiliary bus the parent's driver. */
  async #addDriver(directory: string, driver: string, parentDriver: string | undefined): Promise<void> {
    const parent = `${directory}-parent`;
    const hardware = join(parent, 'hardware');
    await mkdir(hardware, { recursive: true });
    const bus = parentDriver === undefined ? 'pci' : 'auxiliary';
    await symlink(`/sys/bus/${bus}`, join(hardware, 'subsystem'));
    await symlink(`/sys/bus/${bus}/drivers/${driver}`, join(hardware, 'driver'));
    if (parentDriver !== undefined) await symlink(`/sys/bus/pci/drivers/${parentDriver}`, join(parent, 'driver'));
    await symlink(hardware, join(directory, 'device'));
  }
}

function attributesOf(device: SysfsDevice): readonly (readonly [string, string | number])[] {
  const optional = [
    ['carrier', device.carrier === undefined ? '1' : device.carrier],
    ['phys_switch_id', device.switchId],
    ['phys_port_name', device.portName],
  ] as const;
  return [
    ['ifindex', device.ifindex],
    ['address', device.address ?? '02:00:00:00:00:01'],
    ['mtu', device.mtu ?? 1500],
    ['flags', device.flags ?? '0x1003'],
    ['operstate', device.operstate ?? 'up'],
    ['carrier_changes', device.carrierChanges ?? 1],
    ['ifalias', device.alias ?? ''],
    ...optional.flatMap(([name, text]) => (text === undefined || text === null ? [] : [[name, text] as const])),
  ];
}
