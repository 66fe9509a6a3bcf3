/**
 * A plan of flows for people: what comes, changes and goes, under whose cookie, with the ovs-ofctl(8) command that would do
 * the same; and the whole of it as one file for `ovs-ofctl --bundle add-flows`. Text only.
 */

import { unreachable } from '../lib/assert.js';
import { safeText } from '../lib/text.js';
import type { Flow } from '../model/flow.js';
import { formatCookie, formatFlow, formatFlowActions, formatFlowSelector } from '../model/flow-text.js';
import type { FlowChange, FlowPlan } from './plan-flows.js';
import { portsOf, type ResolvedChain } from './resolved.js';

/** Names of ports by bridge and number, to be shown beside the numbers. */
export type PortNames = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** The names of all ports that flows of these chains may name. */
export function portNames(chains: readonly ResolvedChain[]): PortNames {
  const names = new Map<string, Map<number, string>>();
  const add = (bridge: string, ofport: number | undefined, name: string | undefined): void => {
    if (ofport === undefined || name === undefined) return;
    names.set(bridge, (names.get(bridge) ?? new Map<number, string>()).set(ofport, name));
  };
  for (const chain of chains) {
    for (const port of portsOf(chain)) {
      add(chain.intent.bridge, port.ofport, port.interface);
      if (port.leg === undefined) continue;
      add(port.leg.bridge, port.leg.targetOfport, port.leg.target);
      add(port.leg.bridge, port.leg.patchOfport, port.leg.patch);
    }
  }
  return names;
}

/** Single quotes: flows and cookies contain none, names of bridges might. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The command of ovs-ofctl that does what the change does. */
export function ofctlCommand(change: FlowChange): string {
  const bridge = /^[\w.-]+$/.test(change.bridge) ? change.bridge : quote(change.bridge);
  const tool = 'ovs-ofctl -O OpenFlow15';
  switch (change.kind) {
    case 'add':
    case 'replace':
      return `${tool} add-flow ${bridge} ${quote(formatFlow(change.flow))}`;
    case 'modify':
      return `${tool} --strict mod-flows ${bridge} ${quote(strictForm(change.flow))}`;
    case 'delete':
      return `${tool} --strict del-flows ${bridge} ${quote(formatFlowSelector(change.flow))}`;
    case 'deleteCookie':
      return `${tool} del-flows ${bridge} ${quote(cookieForm(change))}`;
    default:
      return unreachable(change);
  }
}

function strictForm(flow: Flow): string {
  return `${formatFlowSelector(flow)},actions=${formatFlowActions(flow.actions)}`;
}

function cookieForm({ cookie, mask }: { readonly cookie: bigint; readonly mask: bigint }): string {
  return `cookie=${formatCookie(cookie)}/${formatCookie(mask)}`;
}

function bundleLine(change: FlowChange): string {
  switch (change.kind) {
    case 'add':
    case 'replace':
      return `add ${formatFlow(change.flow)}`;
    case 'modify':
      return `modify_strict ${strictForm(change.flow)}`;
    case 'delete':
      return `delete_strict ${formatFlowSelector(change.flow)}`;
    case 'deleteCookie':
      return `delete ${cookieForm(change)}`;
    default:
      return unreachable(change);
  }
}

/** The changes of one bridge as a file for `ovs-ofctl -O OpenFlow15 --bundle add-flows <bridge> <file>`. */
export function formatBundleFile(plan: FlowPlan, bridge: string): string {
  return plan.changes
    .filter((change) => change.bridge === bridge)
    .map((change) => `${bundleLine(change)}\n`)
    .join('');
}

function numbersIn(flow: Flow): readonly number[] {
  const outputs = flow.actions.flatMap((action) => (action.kind === 'output' ? [action.port] : []));
  const { inPort, reg0 } = flow.match;
  return [...new Set([...(inPort === undefined ? [] : [inPort]), ...(reg0 === undefined ? [] : [reg0]), ...outputs])];
}

/** `5 = p0, 6 = pf0vf3`, where a name is known. */
function nameNumbers(flow: Flow, names: ReadonlyMap<number, string> | undefined): string {
  const known = numbersIn(flow).flatMap((number) => {
    const name = names?.get(number);
    return name === undefined ? [] : [`${number} = ${safeText(name)}`];
  });
  return known.length === 0 ? '' : `    ports: ${known.join(', ')}`;
}

const whose = (chain: string | undefined): string => (chain === undefined ? 'all chains' : `chain ${safeText(chain)}`);

function changeLines(change: FlowChange): readonly string[] {
  const bridge = safeText(change.bridge);
  switch (change.kind) {
    case 'add':
      return [`+ ${bridge}, ${whose(change.chain)}: ${strictForm(change.flow)}`];
    case 'modify':
    case 'replace':
      return [
        `~ ${bridge}, ${whose(change.chain)}: ${formatFlowSelector(change.flow)}`,
        ...(change.kind === 'replace'
          ? [`    cookie ${formatCookie(change.before.cookie)} → ${formatCookie(change.flow.cookie)}`]
          : []),
        `    - actions=${formatFlowActions(change.before.actions)}`,
        `    + actions=${formatFlowActions(change.flow.actions)}`,
      ];
    case 'delete': {
      const why = change.cause === 'learned' ? 'learned, and no longer right' : 'no chain wants it';
      return [`- ${bridge}: ${strictForm(change.flow)} (${why})`];
    }
    case 'deleteCookie':
      return [
        `- ${bridge}: ${change.flows.length} flow(s) of cookie ${formatCookie(change.cookie)}, which no chain has`,
        ...change.flows.slice(0, flowsShownMax).map((flow) => `    ${strictForm(flow)}`),
        ...(change.flows.length > flowsShownMax ? [`    and ${change.flows.length - flowsShownMax} more`] : []),
      ];
    default:
      return unreachable(change);
  }
}

/** Flows listed of one removal; a switch can have learned thousands. */
const flowsShownMax = 20;

/** The whole plan as text. Ends with a count. */
export function formatFlowPlan(plan: FlowPlan, names: PortNames = new Map()): string {
  const lines = plan.changes.flatMap((change) => {
    const numbers = change.kind === 'deleteCookie' ? '' : nameNumbers(change.flow, names.get(change.bridge));
    return [...changeLines(change), ...(numbers === '' ? [] : [numbers]), `    $ ${ofctlCommand(change)}`];
  });
  const findings = plan.findings.flatMap((finding) => [
    `! ${finding.reason}: ${finding.message}`,
    `    ${finding.remedy}`,
  ]);
  const unread = plan.unread.map(
    (bridge) => `… ${safeText(bridge)}: its flows have not been read, so nothing is planned.`,
  );
  const count = `${plan.changes.length} flow change(s), ${plan.blocked.length} blocked.`;
  return `${[...lines, ...findings, ...unread, count].join('\n')}\n`;
}
