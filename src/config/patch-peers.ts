/**
 * The sides of patch pairs that the file leaves to `createPeer`: added to their bridges, so that whoever reads the
 * configuration finds both sides of every pair that the agent makes. Pure; the rules have checked that it is possible.
 */
import type { BridgeConfig, BridgeMode, PatchPort } from './config.js';
import type { BridgeInput } from './schema.js';

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
      const { name, peer, createPeer } = port;
      const mode = peer === undefined ? undefined : modes.get(peer.bridge);
      if (name === undefined || peer === undefined || mode === undefined || declared.has(peer.port)) continue;
      // A pair whose near side is only observed is somebody else's as a whole.
      const isWanted = createPeer ?? (bridge.mode !== 'observe' && createsPeerByDefault(mode));
      if (!isWanted) continue;
      const side = impliedSide(peer.port, { bridge: bridge.name, port: name });
      implied.set(peer.bridge, [...(implied.get(peer.bridge) ?? []), side]);
    }
  }
  return bridges.map((bridge) => ({ ...bridge, ports: [...bridge.ports, ...(implied.get(bridge.name) ?? [])] }));
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
