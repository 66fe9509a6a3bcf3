/**
 * What is wrong with the selector of a function by itself, and when two selectors may mean the same function. Used by the
 * rules of ports and of chains; pure.
 */
import type { Report } from './report.js';
import type { ConfigPath } from './path.js';
import type { PortInput } from './schema.js';

export type FunctionInput = NonNullable<PortInput['representor']>;

/** Reports what is wrong with the selector at `path`; false when it means nothing. */
export function checkFunctionSelector(selector: FunctionInput, path: ConfigPath, report: Report): boolean {
  const { vf, sf, controller } = selector;
  if (vf !== undefined && sf !== undefined) {
    report(path, 'both vf and sf are given', 'Keep the one that is meant; neither means the PF itself.');
    return false;
  }
  if (controller === 0 && sf === undefined) {
    const remedy = 'Remove controller, or give the number of the host; only an sf can be the own one of the DPU.';
    report([...path, 'controller'], 'controller 0 is the DPU, whose own PFs and VFs are not plugged', remedy);
    return false;
  }
  return true;
}

/** Equal for selectors that differ in nothing but their controller. */
export function functionKey({ pf, vf, sf }: FunctionInput): string {
  return `${pf} ${vf ?? '-'} ${sf ?? '-'}`;
}

/** Whether two selectors of one key may mean one function: without a controller it may be that of any. */
export function mayShareController(a: FunctionInput, b: FunctionInput): boolean {
  return a.controller === undefined || b.controller === undefined || a.controller === b.controller;
}
