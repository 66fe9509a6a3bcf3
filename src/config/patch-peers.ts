/**
 * The sides of patch pairs that the file leaves to `createPeer`: added to their bridges, so that whoever reads the
 * configuration finds both sides of every pair that the agent makes. Pure; the rules have checked that it is possible.
 */
import type { BridgeConfig, BridgeMode, PatchPort } from './config.js';
import type { BridgeInput, PortInput } from './schema.js';

/** Whether the other side is made too when the file does not say: only where the agent may add ports. */
export function createsPeerByDefault(peerBridgeMode: BridgeMode): boolean {
  return peerBridgeMode !== 'observe';
}

/**
 * `bridges` with the implied sides after their own ports, in the order of the sides that imply them.
 * @param inputs the same bridges as they were written, in the same order
 */
export function withImpliedPeers(
  inputs: readonly BridgeInput[],
  bridges: readonly BridgeConfig[],
): readonly BridgeConfig[] {
  const modes = new Map(inputs.map(({ name, mode }) => [name, mode]));
  const declared = new Set(inputs.flatMap(({ ports }) => ports.map(({ name }) => name)));
  const implied = new Map<string, PatchPort[]>();
  for (const bridge of inputs) {
    for (const port of bridge.ports) {
      const near = { bridge: bridge.name, mode: bridge.mode };
      const side = impliedPeer(near, port, modes, (name) => declared.has(name));
      if (side === undefined) continue;
      const sides = implied.get(side.bridge) ?? [];
      sides.push(side.port);
      implied.set(side.bridge, sides);
    }
  }
  return bridges.map((bridge) => ({ ...bridge, ports: [...bridge.ports, ...(implied.get(bridge.name) ?? [])] }));
}

/**
 * The side that `port` implies, and the bridge it is on; undefined where there is none.
 * @param near the bridge of the port
 * @param isWritten whether a port of this name is written down anywhere
 */
export function impliedPeer(
  near: { readonly bridge: string; readonly mode: BridgeMode },
  port: Pick<PortInput, 'name' | 'peer' | 'createPeer'>,
  modes: ReadonlyMap<string, BridgeMode>,
  isWritten: (name: string) => boolean,
): { readonly bridge: string; readonly port: PatchPort } | undefined {
  const { name, peer, createPeer } = port;
  const mode = peer === undefined ? undefined : modes.get(peer.bridge);
  if (name === undefined || peer === undefined || mode === undefined || isWritten(peer.port)) return undefined;
  // A pair whose near side is only observed is somebody else's as a whole.
  const isWanted = createPeer ?? (near.mode !== 'observe' && createsPeerByDefault(mode));
  return isWanted
    ? { bridge: peer.bridge, port: impliedSide(peer.port, { bridge: near.bridge, port: name }) }
    : undefined;
}

function impliedSide(name: string, peer: PatchPort['peer']): PatchPort {
  return {
    kind: 'patch',
    name,
    peer,
    isImplied: true,
    options: {},
    otherConfig: {},
    externalIds: {},
    interfaceExternalIds: {},
    adopt: false,
  };
}
