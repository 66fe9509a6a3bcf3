import { describe, expect, it } from 'vitest';
import { problemLines } from './problems-of.js';

const side = (name: string, bridge: string, port: string, more = ''): string =>
  `{name: ${name}, kind: patch, peer: {bridge: ${bridge}, port: ${port}}${more}}`;

const bridge = (name: string, settings: string, ...ports: readonly string[]): string =>
  `  - {name: ${name}${settings}, ports: [${ports.join(', ')}]}`;

const bridges = (...list: readonly string[]): readonly string[] => problemLines(['bridges:', ...list].join('\n'));

describe('rules of patch pairs', () => {
  it('allow a pair that is declared on both sides, or on one', () => {
    expect(bridges(bridge('a', '', side('p', 'b', 'q')), bridge('b', '', side('q', 'a', 'p')))).toEqual([]);
    expect(bridges(bridge('a', '', side('p', 'b', 'q')), bridge('b', ''))).toEqual([]);
    expect(bridges(bridge('a', '', side('p', 'b', 'q', ', createPeer: false')), bridge('b', ''))).toEqual([]);
  });

  it('refuse sides that do not name each other', () => {
    expect(bridges(bridge('a', '', side('p', 'b', 'q')), bridge('b', '', side('q', 'a', 'x')))).toEqual([
      '2 bridges[0].ports[0].peer: the other side (bridges[1].ports[0]) names "x" on "a" as its peer',
    ]);
    expect(bridges(bridge('a', '', side('p', 'b', 'q')), bridge('b', '', '{name: q, kind: system}'))).toEqual([
      '2 bridges[0].ports[0].peer.port: port "q" (bridges[1].ports[0]) has kind system, not patch',
    ]);
  });

  it('refuse a peer that is declared on another bridge, or is a bridge', () => {
    expect(
      bridges(bridge('a', '', side('p', 'b', 'q')), bridge('b', ''), bridge('c', '', '{name: q, kind: system}')),
    ).toEqual(['2 bridges[0].ports[0].peer.port: port "q" is declared on "c" (bridges[2].ports[0]), not on "b"']);
    expect(bridges(bridge('a', '', side('p', 'b', 'b')), bridge('b', ''))).toEqual([
      '2 bridges[0].ports[0].peer.port: "b" is the name of a bridge',
    ]);
  });

  it('refuse two sides with one peer', () => {
    expect(bridges(bridge('a', '', side('p', 'b', 'q'), side('r', 'b', 'q')), bridge('b', ''))).toEqual([
      '2 bridges[0].ports[1].peer: the same peer is already given at bridges[0].ports[0].peer',
    ]);
  });

  it('refuse a pair on one bridge', () => {
    expect(bridges(bridge('a', '', side('p', 'a', 'q')))).toEqual([
      '2 bridges[0].ports[0].peer.bridge: both sides are on the same bridge; a patch pair connects two',
    ]);
  });

  it('allow an undeclared bridge only from a bridge that is not ours', () => {
    expect(bridges(bridge('a', '', side('p', 'b', 'q')))).toEqual([
      '2 bridges[0].ports[0].peer.bridge: bridge "b" is not declared',
    ]);
    expect(bridges(bridge('a', ', mode: share', side('p', 'b', 'q')))).toEqual([]);
    expect(bridges(bridge('a', ', mode: observe', side('p', 'b', 'q')))).toEqual([]);
    expect(bridges(bridge('a', ', mode: share', side('p', 'b', 'q', ', createPeer: true')))).toHaveLength(1);
  });

  it('do not make the other side on a bridge that is only observed', () => {
    expect(bridges(bridge('a', '', side('p', 'b', 'q')), bridge('b', ', mode: observe'))).toEqual([]);
    expect(bridges(bridge('a', '', side('p', 'b', 'q', ', createPeer: true')), bridge('b', ', mode: observe'))).toEqual(
      ['2 bridges[0].ports[0].createPeer: bridge "b" has mode observe, so the other side cannot be made there'],
    );
  });

  it('want both bridges of one datapath, where both say which', () => {
    const netdev = ', datapathType: netdev';
    expect(bridges(bridge('a', netdev, side('p', 'b', 'q')), bridge('b', ', datapathType: system'))).toEqual([
      '2 bridges[0].ports[0].peer.bridge: the datapath type of "a" is netdev, that of "b" is system',
    ]);
    expect(bridges(bridge('a', netdev, side('p', 'b', 'q')), bridge('b', ''))).toEqual([]);
  });

  it('refuse a bad name for the other side', () => {
    expect(bridges(bridge('a', '', side('p', 'b', 'q/r')), bridge('b', ''))).toEqual([
      expect.stringMatching(/peer\.port: the name "q\/r" has the character "\/"/),
    ]);
  });
});
