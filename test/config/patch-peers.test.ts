import { describe, expect, it } from 'vitest';
import type { PatchPort } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load.js';

/** The patch ports of bridge b, when bridge a has a port p whose peer is q on b. */
function peersOn(b: string, settings: { a?: string; port?: string } = {}): readonly PatchPort[] {
  const port = `{name: p, kind: patch, peer: {bridge: b, port: q}${settings.port ?? ''}}`;
  const text = `bridges: [{name: a${settings.a ?? ''}, ports: [${port}]}, {name: b${b}}]`;
  const { config } = loadConfig({ text });
  return config.bridges[1]!.ports.filter((p) => p.kind === 'patch');
}

describe('withImpliedPeers', () => {
  it.each(['own', 'share'])('makes the other side on a bridge of mode %s', (mode) => {
    expect(peersOn(`, mode: ${mode}`)).toEqual([
      {
        kind: 'patch',
        name: 'q',
        peer: { bridge: 'a', port: 'p' },
        isImplied: true,
        options: {},
        otherConfig: {},
        externalIds: {},
        interfaceExternalIds: {},
        adopt: false,
      },
    ]);
  });

  it('makes none where it is declared', () => {
    const [peer, ...more] = peersOn(', ports: [{name: q, kind: patch, ofport: 9, peer: {bridge: a, port: p}}]');
    expect(more).toEqual([]);
    expect(peer).toMatchObject({ isImplied: false, ofport: 9 });
  });

  it('makes none where either bridge is only observed, or the file says so', () => {
    expect(peersOn(', mode: observe')).toEqual([]);
    expect(peersOn('', { a: ', mode: observe' })).toEqual([]);
    expect(peersOn('', { port: ', createPeer: false' })).toEqual([]);
  });

  it('makes one for an observed side when the file insists', () => {
    expect(peersOn('', { a: ', mode: observe', port: ', createPeer: true' })).toHaveLength(1);
  });

  it('puts them after the ports of the bridge itself', () => {
    expect(
      loadConfig({
        text: 'bridges: [{name: a, ports: [{name: p, kind: patch, peer: {bridge: b, port: q}}]}, {name: b, ports: [{name: z, kind: system}]}]',
      }).config.bridges[1]!.ports.map(({ name }) => name),
    ).toEqual(['z', 'q']);
  });
});
