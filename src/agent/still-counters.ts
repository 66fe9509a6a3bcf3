/**
 * Counters of devices that need not be read again: every device that is looked at is a port of the switch, so while ovs-vswitchd,
 * which answers, counts nothing new on any port, nothing has passed a device either. All of them are read by a process that
 * takes as much as everything else that an idle agent does.
 */

import type { MachineQuickReading } from '../offload/readings.js';

/** They are read at least this often, ms: ovs-vswitchd does not see what a device drops before it hands it over. */
const keptMsMax = 60_000;

export class StillCounters {
  #kept:
    | {
        readonly counters: MachineQuickReading['devices'];
        readonly names: ReadonlySet<string>;
        readonly mark: string;
        readonly atMs: number;
      }
    | undefined;

  /**
   * The counters as they were read last, if they are the same now; undefined: read them.
   * @param mark of what ovs-vswitchd has counted, another after each change; undefined: nobody knows
   * @param names another set after each change of ports or devices, also where a device is made anew under its name
   * @param nowMs monotonic
   */
  at(mark: string | undefined, names: ReadonlySet<string>, nowMs: number): MachineQuickReading['devices'] | undefined {
    const kept = this.#kept;
    if (kept === undefined || kept.mark !== mark || nowMs - kept.atMs >= keptMsMax) return undefined;
    return kept.names === names ? kept.counters : undefined;
  }

  /**
   * @param mark from before they were read: what is counted meanwhile is read again
   * @param atMs when they were asked for, monotonic
   */
  note(
    counters: MachineQuickReading['devices'],
    mark: string | undefined,
    names: ReadonlySet<string>,
    atMs: number,
  ): void {
    const isUsable = mark !== undefined && counters.kind === 'known';
    this.#kept = isUsable ? { counters, names, mark, atMs } : undefined;
  }
}
