/** The datapaths of ovs-vswitchd by their names, `netdev@ovs-netdev`: most commands of dpctl want one when there are several. */

import { known, type Fact } from '../model/fact.js';
import { parseDpifShow, parseNameList } from '../unixctl/index.js';
import type { SwitchAsker } from './switch-asker.js';

/** One of each type is usual; the bound is against nonsense. */
const datapathsMax = 16;

/** Whether the name is one that can be handed back to the daemon. */
function isUsable(name: string): boolean {
  return /^[\w.-]{1,32}@[\w.-]{1,64}$/.test(name);
}

/** The kernel's datapath is of type `system`; all others are of the userspace datapath (dpif-netdev.c). */
export function isUserspace(name: string): boolean {
  return !name.startsWith('system@');
}

/** The usable names of a list, each once. */
export function usableNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].filter(isUsable).slice(0, datapathsMax);
}

/**
 * All datapaths. Without any, `dpctl/dump-dps` is refused where the kernel's module is missing (dps_for_each of dpctl.c), so
 * `dpif/show` has the last word.
 */
export async function readDatapathNames(asker: SwitchAsker): Promise<Fact<readonly string[]>> {
  const listed = await asker.fact('dpctl/dump-dps', [], (text) => known(usableNames(parseNameList(text))));
  if (listed.kind === 'known') return listed;
  return asker.fact('dpif/show', [], (text) =>
    known(usableNames(parseDpifShow(text).datapaths.map(({ name }) => name))),
  );
}
