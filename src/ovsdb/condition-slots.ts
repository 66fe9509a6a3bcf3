/**
 * Which monitor conditions the server has, is being asked for, and shall have: three slots per table, after `ovsdb-cs`.
 * Used by the session driver. It keeps rows from being lost when the connection breaks while a change of conditions is
 * under way: the server may have acted on it, so a resume from the last transaction id would skip the rows between.
 */

interface Slots<Condition> {
  /** What the server certainly filters by, and what the replica was built with. */
  acked: Condition | undefined;
  /** Sent with monitor_cond_change, not answered. */
  requested: Condition | undefined;
  /** To be sent when nothing is on its way. */
  wanted: Condition | undefined;
}

export class ConditionSlots<Condition> {
  readonly #tables = new Map<string, Slots<Condition>>();

  /** Says what `table` shall be filtered by from now on. */
  set(table: string, condition: Condition): void {
    this.#slots(table).wanted = condition;
  }

  /** Whether a change is on its way. */
  get isInFlight(): boolean {
    return [...this.#tables.values()].some((slots) => slots.requested !== undefined);
  }

  /** Whether the server filters `table` by the condition that was set last. */
  isSettled(table: string): boolean {
    const slots = this.#tables.get(table);
    return slots?.requested === undefined && slots?.wanted === undefined;
  }

  /** What was set last. */
  newest(table: string): Condition | undefined {
    const slots = this.#tables.get(table);
    return slots?.wanted ?? slots?.requested ?? slots?.acked;
  }

  /**
   * The conditions of a monitor request. One that resumes must use those that the replica was built with, and the
   * changes follow; one that loads everything may use the newest at once, and they count as acknowledged: a failed
   * request is repeated as a whole.
   */
  forMonitor(isResume: boolean): ReadonlyMap<string, Condition> {
    const conditions = new Map<string, Condition>();
    for (const [table, slots] of this.#tables) {
      if (!isResume) {
        slots.acked = slots.wanted ?? slots.requested ?? slots.acked;
        slots.requested = undefined;
        slots.wanted = undefined;
      }
      if (slots.acked !== undefined) conditions.set(table, slots.acked);
    }
    return conditions;
  }

  /** The changes to send now; undefined when there are none or one is still on its way. */
  takeChanges(): ReadonlyMap<string, Condition> | undefined {
    if (this.isInFlight) return undefined;
    const changes = new Map<string, Condition>();
    for (const [table, slots] of this.#tables) {
      if (slots.wanted === undefined) continue;
      slots.requested = slots.wanted;
      slots.wanted = undefined;
      changes.set(table, slots.requested);
    }
    return changes.size === 0 ? undefined : changes;
  }

  /** The server acknowledged what takeChanges gave. */
  acknowledge(): void {
    for (const slots of this.#tables.values()) {
      if (slots.requested === undefined) continue;
      slots.acked = slots.requested;
      slots.requested = undefined;
    }
  }

  /** The connection is gone. Returns whether a change was on its way, so that the last transaction id is worthless. */
  disconnect(): boolean {
    const wasInFlight = this.isInFlight;
    for (const slots of this.#tables.values()) {
      slots.wanted ??= slots.requested;
      slots.requested = undefined;
    }
    return wasInFlight;
  }

  #slots(table: string): Slots<Condition> {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const fresh: Slots<Condition> = { acked: undefined, requested: undefined, wanted: undefined };
    this.#tables.set(table, fresh);
    return fresh;
  }
}
