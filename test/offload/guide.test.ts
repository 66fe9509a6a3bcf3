/** docs/offload.md against the code: no list in it may lag behind. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/command-table.js';
import { parseLine } from '../../src/cli/command-line.js';
import { pollLimits } from '../../src/offload/poll-plan.js';
import { verdictThresholds } from '../../src/offload/ratio-window.js';
import { catalogue } from '../../src/telemetry/catalogue.js';
import { documentedTable } from '../fakes/documented-table.js';
import { checksByReason, guideTables } from './guide-tables.js';

const page = readFileSync(new URL('../../docs/offload.md', import.meta.url), 'utf8');

function linesOf(heading: string): readonly string[] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  const rest = lines.slice(start + 2);
  return rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith('|')),
  );
}

describe('the guide to offload', () => {
  it.each(Object.keys(guideTables))('has the table of %s as the code has it', (heading) => {
    expect(linesOf(heading)).toEqual(guideTables[heading]);
  });

  it('has each finding with the checks that can make it, what it is seen by, and the remedy of docs/errors.md', () => {
    const remedies = documentedTable('errors.md', 'Reason');
    const rows = documentedTable('offload.md', 'Finding');
    expect([...rows.keys()]).toEqual([...checksByReason.keys()]);
    for (const [reason, [checks = '', seenBy = '', remedy]] of rows) {
      expect(checks.replaceAll('`', '').split(', '), reason).toEqual(checksByReason.get(reason));
      expect(seenBy.length, reason).toBeGreaterThan(3);
      expect(remedy, reason).toBe(remedies.get(reason)?.at(-1));
    }
  });

  it('names commands that dpuctl takes', () => {
    const lines = [...page.matchAll(/^\$ dpuctl (.+)$/gm)].map((match) => match[1] ?? '');
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(() => parseLine(commands, line.split(' ')), line).not.toThrow();
  });

  it('names metrics that there are', () => {
    const names = new Set(catalogue.map(({ name }) => name));
    const named = [...page.matchAll(/`(dpu_agent_\w+)`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });

  it('says the limits that are in the code', () => {
    const { flowsSmall, revalidateMsSmall, dumpMsMax, roundTripMsMax, dutyMax, slowdownMax } = pollLimits;
    expect(page).toContain(`${flowsSmall / 1_000} 000 flows`);
    expect(page).toContain(`takes ${revalidateMsSmall} ms at most`);
    expect(page).toContain(`longer than ${dumpMsMax} ms of the main thread`);
    expect(page).toContain(`longer than ${roundTripMsMax} ms`);
    expect(page).toContain(`below ${dutyMax * 100} % of the thread's time`);
    expect(page).toContain(`up to ${slowdownMax} times`);
    expect(page).toContain(
      `${pollLimits.unwatchedMs / 1_000} s where flows are few, ${pollLimits.watchedMs / 1_000} s while`,
    );
    const { hardwareFrom, hardwareUntil, softwareFrom, softwareUntil } = verdictThresholds;
    expect(page).toContain(`between ${softwareFrom * 100} % and ${hardwareFrom * 100} %`);
    expect(page).toContain(`below ${hardwareUntil * 100} %, \`software\` above ${softwareUntil * 100} %`);
  });

  it('has links that lead somewhere', () => {
    const anchors = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map((match) =>
        (match[1] ?? '')
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const broken = [...page.matchAll(/\]\(#([^)]+)\)/g)]
      .map((match) => match[1] ?? '')
      .filter((to) => !anchors.has(to));
    expect(broken).toEqual([]);
  });
});
