/**
 * Keeps the API off the links to the host: an address that belongs to the management link or to a device that stands for a
 * function of the host is not listened at. The kernel takes a packet for any address of the machine on any link, so this is a
 * guard against a mistake in the configuration; what lets nobody in is the certificate.
 */

import type { NetworkInterfaceInfo } from 'node:os';
import { isIP } from 'node:net';
import { AgentError } from '../../lib/errors.js';
import { safeText } from '../../lib/text.js';

export interface AddressGuardOptions {
  /** `os.networkInterfaces` outside tests. */
  readonly interfaces: () => Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
  /** Whether a device, by name, stands for a function of the host. */
  readonly isHostFunction: (device: string) => boolean;
}

/** Throws unless the address may be listened at. */
export type AddressGuard = (host: string) => void;

// rshim's network device to the host, on the DPU's side.
const managementLink = /^tmfifo_net\d+$/;

function refused(host: string, why: string): AgentError {
  return new AgentError('API_ADDRESS', `will not listen at ${safeText(host)}: ${why}`, {
    facts: { address: host },
    remedy: 'Name an address of the out-of-band or fabric network in api.grpc.listen.',
  });
}

/** The numbers of an IPv6 address in one spelling; IPv4 stays as it is. */
function canonical(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase();
  if (isIP(bare) !== 6) return bare;
  const url = new URL(`http://[${bare}]/`);
  const plain = url.hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (mapped === null) return plain;
  const [high, low] = [Number.parseInt(mapped[1] ?? '0', 16), Number.parseInt(mapped[2] ?? '0', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

export function createAddressGuard({ interfaces, isHostFunction }: AddressGuardOptions): AddressGuard {
  const isHostFacing = (device: string): boolean => managementLink.test(device) || isHostFunction(device);
  return (host) => {
    const [, zone] = /%(.+)$/.exec(host) ?? [];
    if (zone !== undefined && isHostFacing(zone)) throw refused(host, `${zone} is a link to the host`);
    const wanted = canonical(host);
    for (const [device, addresses] of Object.entries(interfaces())) {
      const isThere = addresses?.some(({ address }) => canonical(address) === wanted) ?? false;
      // A VLAN or an alias of such a device (`tmfifo_net0.5`, `tmfifo_net0:1`) is the same link.
      if (isThere && isHostFacing(device.replace(/[.:@].*$/, ''))) {
        throw refused(host, `it is an address of ${device}, a link to the host`);
      }
    }
  };
}
