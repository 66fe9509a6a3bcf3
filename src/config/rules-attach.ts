/**
 * Rules about attaching pods: what the mode needs, a bridge that can be plugged into, functions that are named once, and a
 * lease that outlives its renewal. Reports only; which functions there are is seen when the agent runs.
 */
import type { VfRange } from './config.js';
import type { ConfigDraft } from './draft.js';
import { deviceNameLengthMax, nameFault } from './names.js';
import type { ConfigPath } from './path.js';
import type { Report } from './report.js';
import type { AttachInput } from './schema-attach.js';
import { parseVfRanges } from './vf-ranges.js';

export function checkAttach(draft: ConfigDraft, report: Report): void {
  checkFinder(draft, report);
  const { attach } = draft.value;
  if (attach === undefined) return;
  checkMode(draft, attach, report);
  checkBridge(draft, attach, report);
  checkPools(attach, report);
  checkReserved(attach, report);
  checkResources(attach, report);
  checkLease(attach, report);
}

/** The simulator's naming has room for one host. */
function checkFinder(draft: ConfigDraft, report: Report): void {
  const { finder, hostController } = draft.value.representors ?? {};
  if (finder !== 'simulated' || hostController === undefined || hostController === 1) return;
  const remedy = 'Remove hostController, or use finder switchdev.';
  report(['representors', 'hostController'], `host ${hostController} does not exist with finder simulated`, remedy);
}

function checkMode(draft: ConfigDraft, { mode }: AttachInput, report: Report): void {
  if (mode === undefined || mode === 'off' || draft.given.has('hostCluster')) return;
  const remedy = 'Say in hostCluster how its API server is reached, or choose mode off.';
  report(['attach', 'mode'], `mode ${mode} needs the host cluster, whose pods these are`, remedy);
}

/** A bridge that is not listed is somebody else's, as if it had mode share and no ports of ours. */
function checkBridge(draft: ConfigDraft, { mode, bridge: name }: AttachInput, report: Report): void {
  const fault = nameFault(name, deviceNameLengthMax);
  if (fault !== undefined) {
    report(['attach', 'bridge'], `the name "${name}" ${fault}`);
    return;
  }
  const bridge = draft.bridges.find(({ value }) => value.name === name);
  if (mode !== 'attach' || bridge?.value.mode !== 'observe') return;
  const remedy = `Choose mode share or own for bridge "${name}", or mode observe for attach.`;
  report(['attach', 'mode'], `bridge "${name}" has mode observe, so nothing can be plugged into it`, remedy);
}

interface PlacedRange extends VfRange {
  readonly place: string;
}

function checkPools({ pools = [] }: AttachInput, report: Report): void {
  const seen = new Map<number, PlacedRange[]>();
  pools.forEach(({ pf, vfs }, index) => {
    const at = ['attach', 'pools', index, 'vfs'];
    const others = seen.get(pf) ?? [];
    seen.set(pf, others);
    for (const range of parseVfRanges(vfs)) {
      checkRange(range, pf, others, at, report);
      others.push({ ...range, place: `attach.pools[${index}]` });
    }
  });
}

function checkRange(range: VfRange, pf: number, others: readonly PlacedRange[], at: ConfigPath, report: Report): void {
  const { first, last } = range;
  if (first > last) {
    report(at, `the range ${first}-${last} runs backwards`, `Write ${last}-${first}.`);
    return;
  }
  if (last > 4095) report(at, `VF ${last} does not exist; allowed: 0 to 4095`);
  const other = others.find((one) => one.first <= last && first <= one.last);
  if (other === undefined) return;
  const vf = Math.max(other.first, first);
  report(at, `VF ${vf} of PF ${pf} is already in ${other.place}`, 'Each function is in one pool.');
}

function checkReserved({ reserved = [] }: AttachInput, report: Report): void {
  reserved.forEach(({ pf, vf }, index) => {
    const first = reserved.findIndex((one) => one.vf === vf && (one.pf === undefined || one.pf === pf));
    if (first < 0 || first >= index) return;
    const of = pf === undefined ? 'every PF' : `PF ${pf}`;
    report(['attach', 'reserved', index], `VF ${vf} of ${of} is already reserved by attach.reserved[${first}]`);
  });
}

function checkResources({ resourceNames }: AttachInput, report: Report): void {
  resourceNames.forEach((name, index) => {
    if (resourceNames.indexOf(name) < index) report(['attach', 'resourceNames', index], `"${name}" is given twice`);
  });
}

function checkLease({ lease: { renewMs, durationS } }: AttachInput, report: Report): void {
  if (renewMs === 0 || durationS * 1000 > renewMs) return;
  const message = `a lease of ${durationS} s runs out before it is renewed, every ${renewMs} ms`;
  report(['attach', 'lease', 'durationS'], message, 'Make durationS several times as long as renewMs.');
}
