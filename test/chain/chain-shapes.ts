/** Chains as the agent's status shows them, for tests of what reads them. */

import type { ChainPortView, ChainSwitchView, ChainView } from '../../src/chain/chain-view.js';

export function portView(name: string, ofport: number | undefined, more: Partial<ChainPortView> = {}): ChainPortView {
  return { key: `c/1/${name}`, words: `the ${name}`, wire: { kind: 'any' }, interface: name, ofport, ...more };
}

export function switchView(index: number, ...ports: readonly ChainPortView[]): ChainSwitchView {
  return { name: `s${index}`, index, ports };
}

export function chainView(...switches: readonly ChainSwitchView[]): ChainView {
  return { intent: { name: 'c', bridge: 'br-sfc' }, switches, cookie: '0x5cda000001010001' };
}
