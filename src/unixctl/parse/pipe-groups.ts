/**
 * `doca-pipe-group/dump` of NVIDIA's releases: the pipes of the hardware. Only what is publicly described is read: a line names
 * its group (`group_id=N`) and its priority (`priority=N`), and the part from `match` to `act` is its template. Never run against
 * a daemon here: its fixture is written by hand from that.
 */

import { linesOf, UnknownLineTally, type UnknownLines } from './unknown-lines.js';

export interface PipeGroups {
  /** Lines by group. */
  readonly groups: ReadonlyMap<string, number>;
  /** Different templates, without those that match everything. */
  readonly templateCount: number;
  readonly unknown: UnknownLines;
}

export function parsePipeGroups(text: string): PipeGroups {
  const groups = new Map<string, number>();
  const templates = new Set<string>();
  const unknown = new UnknownLineTally();
  for (const line of linesOf(text)) {
    const group = /\bgroup_id=(\w+)/.exec(line)?.[1];
    const template = line.includes('empty_match') ? undefined : /match.*act/.exec(line)?.[0];
    if (group !== undefined) groups.set(group, (groups.get(group) ?? 0) + 1);
    if (template !== undefined) templates.add(template);
    if (group === undefined && template === undefined) unknown.add(line);
  }
  return { groups, templateCount: templates.size, unknown: unknown.result };
}
