/**
 * Which names a bridge or a port may have: the rules of the kernel, of ovs-vswitchd and of the OpenFlow tools together, so
 * that a name that passes works everywhere it will be used. Pure.
 */

/** IFNAMSIZ is 16 with its final NUL; linux/if.h. */
export const deviceNameLengthMax = 15;

/** Patch ports have no device; deployments in the field use names longer than a device's (`pen3f0pf0sf10brsfc`). */
export const patchNameLengthMax = 255;

// Devices that OVS or the kernel makes for itself; bonding_masters is a file where the devices' directories are.
const reservedDevices = new Set(['lo', 'all', 'default', 'ovs-system', 'ovs-netdev', 'ovs-doca', 'bonding_masters']);

// OpenFlow's reserved ports, by the names under which ovs-ofctl(8) takes them for ports, in any letter case.
const reservedPorts = new Set([
  'in_port',
  'table',
  'normal',
  'flood',
  'all',
  'controller',
  'local',
  'none',
  'any',
  'unset',
]);

/** What is wrong with the name, as the end of a sentence that begins with it; undefined when nothing is. */
export function nameFault(name: string, lengthMax: number): string | undefined {
  // dev_valid_name() of the kernel refuses "/", ":" and white space; "%" makes it number the device.
  const bad = /[^!-~]|[/:%"'\\]/.exec(name)?.[0];
  if (bad !== undefined)
    return `has the character ${JSON.stringify(bad)}; "/", ":", "%", quotes, "\\", spaces and non-ASCII characters are refused`;
  if (name.length > lengthMax) return `is ${name.length} characters long; at most ${lengthMax} are possible`;
  if (name === '.' || name === '..' || reservedDevices.has(name)) return 'is reserved by the system';
  if (reservedPorts.has(name.toLowerCase())) return 'is a reserved port of OpenFlow';
  // ovs-ofctl(8): a number is taken for a port number before it is taken for a name.
  if (/^\d+$/.test(name)) return 'would be taken for a port number; it needs a letter';
  if (name.startsWith('-')) return 'begins with "-" and would be taken for an option';
  return undefined;
}
