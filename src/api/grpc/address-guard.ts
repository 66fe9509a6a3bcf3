/**
 * Keeps the API off the links to the host: an address that belongs to the management link or to a device that stands for a
 * function of the host is not listened at. The kernel takes a packet for any address of the machine on any link, so this is a
 * guard against a mistake in the configuration; what lets nobody in is the certificate.
 */

import type { NetworkInterfaceInfo } from 'node:os';
import { AgentError } from '../../lib/errors.js';
import { canonicalAddress, isWildcardAddress } from '../../lib/ip-address.js';
import { safeText } from '../../lib/text.js';

export interface AddressGuardOptions {
  /** `os.networkInterfaces` outside tests. */
  readonly interfaces: () => Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
  /** Whether a device, by name, stands for a function of the host; undefined while that is not known. */
  readonly isHostFunction: (device: string) => boolean | undefined;
  /** The devices right below a device: a VLAN's, a bridge's ports. */
  readonly lowersOf: (device: string) => readonly string[];
}

/** Throws unless the address may be listened at. */
export type AddressGuard = (host: string) => void;

// rshim's network device to the host, on the DPU's side.
const managementLink = /^tmfifo_net\d+$/;

function refused(host: string, why: string): AgentError {
  return new AgentError('API_ADDRESS', `will not listen at ${safeText(host)}: ${why}`, {
    facts: { address: host },
    remedy: 'Name an address of the out-of-band or fabric network in api.grpc.listen or api.http.listen.',
  });
}

export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
  const { interfaces } = options;
  const check = (host: string, device: string, why: string): void => {
    const facing = isHostFacing(device, options);
    if (facing === undefined) throw refused(host, 'the devices of this machine are not known yet');
    if (facing) throw refused(host, why);
  };
  return (host) => {
    if (isWildcardAddress(host)) throw refused(host, 'that is every link, those to the host too');
    const [, zone] = /%(.+)$/.exec(host) ?? [];
    if (zone !== undefined) check(host, zone, `${zone} is a link to the host`);
    const wanted = canonicalAddress(host);
    for (const [device, addresses] of Object.entries(interfaces())) {
      const found = addresses?.find(({ address }) => canonicalAddress(address) === wanted);
      if (found === undefined || found.internal) continue;
      check(host, device, `it is an address of ${device}, a link to the host`);
    }
  };
}

/** Whether the device, or one that it lies on, is a link to the host; undefined while that is not known. */
function isHostFacing(device: string, { isHostFunction, lowersOf }: AddressGuardOptions): boolean | undefined {
  const seen = new Set<string>();
  const waiting = [device];
  let isUnknown = false;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    // An address with a label (`tmfifo_net0:1`) is one of the device.
    const bare = next.replace(/:.*$/, '');
    // The name of a VLAN tells its device even where the kernel does not.
    const parent = bare.replace(/[.@].*$/, '');
    const judged = [bare, parent].map((name) => managementLink.test(name) || isHostFunction(name));
    if (judged.includes(true)) return true;
    isUnknown ||= judged.includes(undefined);
    waiting.push(...lowersOf(bare));
  }
  return isUnknown ? undefined : false;
}
