/**
 * Reads phys_port_name, the kernel's own name of a switch port: `p0`, `pf0`, `c1pf0`, `pf0vf3`, `c1pf0vf3`, `pf0sf4`,
 * `c1pf0sf1`. Used to tell representors apart. It does not judge whose function a name without a controller means.
 *
 * The kernel prints `c<n>` exactly for functions of an external controller, and all numbers with %u
 * (net/devlink, __devlink_port_phys_port_name_get), so a leading zero never comes from it: such a name is refused.
 * Split ports (`p0s1`) are refused too, since a part of a port is not the uplink that a configuration means.
 */
import { parseFunctionId } from './function-id.js';

/** What a phys_port_name says. `controller` is absent when the name has none. */
export type PhysPortName =
  | { readonly kind: 'uplink'; readonly port: number }
  | { readonly kind: 'pf'; readonly controller?: number | undefined; readonly pf: number }
  | { readonly kind: 'vf'; readonly controller?: number | undefined; readonly pf: number; readonly vf: number }
  | { readonly kind: 'sf'; readonly controller?: number | undefined; readonly pf: number; readonly sf: number };

const uplinkPattern = /^p(\d{1,10})$/;
const functionPattern = /^(?:c(\d{1,10}))?pf(\d{1,10})(?:(vf|sf)(\d{1,10}))?$/;

/** The parts of a phys_port_name, or undefined when it is none of the known shapes. */
export function parsePhysPortName(text: string): PhysPortName | undefined {
  const uplink = uplinkPattern.exec(text);
  if (uplink?.[1] !== undefined) {
    const port = parseFunctionId('port', uplink[1]);
    return port === undefined ? undefined : { kind: 'uplink', port };
  }
  const match = functionPattern.exec(text);
  return match === null ? undefined : parseFunction(match[1], match[2], match[3], match[4]);
}

function parseFunction(
  controllerText: string | undefined,
  pfText: string | undefined,
  kind: string | undefined,
  idText: string | undefined,
): PhysPortName | undefined {
  const controller = controllerText === undefined ? undefined : parseFunctionId('controller', controllerText);
  if (controllerText !== undefined && controller === undefined) return undefined;
  const pf = parseFunctionId('pf', pfText ?? '');
  if (pf === undefined) return undefined;
  const owner = controller === undefined ? {} : { controller };
  if (idText === undefined) return { kind: 'pf', ...owner, pf };
  if (kind === 'vf') {
    const vf = parseFunctionId('vf', idText);
    return vf === undefined ? undefined : { kind, ...owner, pf, vf };
  }
  const sf = parseFunctionId('sf', idText);
  return sf === undefined ? undefined : { kind: 'sf', ...owner, pf, sf };
}

/** The name as the kernel writes it; the inverse of `parsePhysPortName`. */
export function formatPhysPortName(name: PhysPortName): string {
  if (name.kind === 'uplink') return `p${name.port}`;
  const owner = name.controller === undefined ? '' : `c${name.controller}`;
  const base = `${owner}pf${name.pf}`;
  if (name.kind === 'pf') return base;
  return name.kind === 'vf' ? `${base}vf${name.vf}` : `${base}sf${name.sf}`;
}
