/**
 * Rules about chains as a whole: names that must be unique, and a bridge that is there to be programmed. Reports only; the
 * ports are judged in rules-chain-port.ts and rules-chain-overlap.ts, and what two chains are to one another only when it
 * is known which interfaces they mean.
 */
import type { BridgeDraft, ChainDraft, ChainSwitchDraft, ConfigDraft } from './draft.js';
import { deviceNameLengthMax, nameFault } from './names.js';
import { nearest } from '../lib/nearest.js';
import type { Report } from './report.js';
import { checkChainOverlaps } from './rules-chain-overlap.js';
import { checkChainPorts } from './rules-chain-port.js';
import { FirstSeen } from './seen.js';

export function checkChains(draft: ConfigDraft, report: Report): void {
  const bridges = new Map(draft.bridges.map((bridge) => [bridge.value.name, bridge]));
  const names = new FirstSeen();
  for (const chain of draft.chains) {
    const { name } = chain.value;
    const at = [...chain.path, 'name'];
    const first = name === undefined ? undefined : names.before(name, at);
    if (first !== undefined) report(at, `"${name ?? ''}" is already given at ${first}`, 'Chain names are unique.');
    checkBridge(chain, bridges, report);
    checkTenants(chain, report);
    checkSwitchNames(chain.switches, report);
    checkChainPorts(chain, report);
    checkChainOverlaps(chain, report);
  }
}

function checkBridge(chain: ChainDraft, bridges: ReadonlyMap<string | undefined, BridgeDraft>, report: Report): void {
  const { bridge: name } = chain.value;
  if (name === undefined) return;
  // A default stands nowhere; the problem is then that of the chain.
  const at = chain.given.has('bridge') ? [...chain.path, 'bridge'] : chain.path;
  const fault = nameFault(name, deviceNameLengthMax);
  const bridge = bridges.get(name);
  if (fault !== undefined) {
    report(at, `the name "${name}" ${fault}`);
  } else if (bridge === undefined) {
    const guess = nearest(name, declaredNames(bridges));
    const declare = `Declare bridge "${name}" too; with mode share when it is somebody else's.`;
    report(
      at,
      `bridge "${name}" is not declared`,
      guess === undefined ? declare : `Did you mean "${guess}"? ${declare}`,
    );
  } else if (bridge.value.mode === 'observe') {
    const remedy = 'Choose mode share or own for that bridge, or another bridge for the chain.';
    report(at, `bridge "${name}" has mode observe, so it cannot be given flows`, remedy);
  }
}

function declaredNames(bridges: ReadonlyMap<string | undefined, BridgeDraft>): readonly string[] {
  return [...bridges.keys()].filter((name) => name !== undefined);
}

function checkTenants(chain: ChainDraft, report: Report): void {
  const { tenant, joinsTenants = [] } = chain.value;
  joinsTenants.forEach((other, index) => {
    const at = [...chain.path, 'joinsTenants', index];
    if (joinsTenants.indexOf(other) < index) report(at, `tenant "${other}" is given twice`);
    else if (other === tenant) report(at, `"${other}" is the tenant of the chain itself`, 'Name other tenants only.');
  });
}

/** A switch without a name goes by its place, so `2` may be the name of the second switch only. */
function checkSwitchNames(switches: readonly ChainSwitchDraft[], report: Report): void {
  const seen = new FirstSeen();
  const unnamed = new Map(
    switches.flatMap(({ given }, index) => (given.has('name') ? [] : [[String(index + 1), index]])),
  );
  switches.forEach(({ path, value }, index) => {
    const { name } = value;
    if (name === undefined) return;
    const at = [...path, 'name'];
    const first = seen.before(name, at);
    if (first !== undefined)
      report(at, `"${name}" is already given at ${first}`, 'Switch names are unique in a chain.');
    if (unnamed.has(name) && unnamed.get(name) !== index) {
      report(at, `"${name}" is what the switch at that place is called`, 'Choose another name, or name that one too.');
    }
  });
}
