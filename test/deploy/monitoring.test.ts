import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/app/arguments.js';
import { podFaultReasons } from '../../src/attach/pod-faults.js';
import { commands } from '../../src/cli/command-table.js';
import { parseLine } from '../../src/cli/command-line.js';
import { catalogue } from '../../src/telemetry/catalogue.js';
import { dashboard, ruleGroups } from '../fakes/deployed.js';

const labelsOf = new Map(
  catalogue.flatMap(({ name, type, labels }) =>
    type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((end) => [`${name}${end}`, new Set<string>([...labels, 'le'])] as const)
      : [[name, new Set<string>(labels)] as const],
  ),
);
labelsOf.set('up', new Set());
/** What Prometheus adds to each series. */
const added = new Set(['instance', 'job']);

/** What an expression names that the agent does not export. Only as much of PromQL as the expressions use. */
function unknownIn(expr: string): readonly string[] {
  const faults: string[] = [];
  const used = new Set<string>();
  const plain = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [, name = '', selector = ''] of plain.matchAll(/\b(dpu_agent_\w+|process_\w+|up)\b(?:\{([^}]*)\})?/g)) {
    const labels = labelsOf.get(name);
    if (labels === undefined) {
      faults.push(`metric ${name}`);
      continue;
    }
    for (const label of [...labels, ...added]) used.add(label);
    for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (!labels.has(label) && !added.has(label)) faults.push(`${name}{${label}}`);
    }
  }
  if (used.size === 0) faults.push('no metric at all');
  for (const [, list = ''] of plain.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)) {
    for (const label of list.split(',').map((word) => word.trim())) {
      if (!used.has(label)) faults.push(`by ${label}`);
    }
  }
  return faults;
}

/** Labels that a text fills in. */
function labelsIn(text: string): readonly string[] {
  return [...text.matchAll(/\$labels\.(\w+)|\{\{\s*(\w+)\s*\}\}/g)].map((match) => match[1] ?? match[2] ?? '');
}

/** @throws Error when the program that the line begins with would not take the rest of it */
function checkCommand(line: string): void {
  const [program = '', ...args] = line.split(' ');
  if (program === 'dpuctl') parseLine(commands, args);
  else if (program === 'dpu-node-agent') parseCommand(args, {});
  else if (program !== 'systemctl' && program !== 'journalctl') throw new Error(`no program of ours: ${program}`);
}

const rules = ruleGroups().flatMap((group) => group.rules);

describe('the check of expressions', () => {
  it('finds a metric, a selector and a grouping that do not exist', () => {
    expect(unknownIn('dpu_agent_nothing > 0')).toContain('metric dpu_agent_nothing');
    expect(unknownIn('dpu_agent_ready{pod="x"}')).toEqual(['dpu_agent_ready{pod}']);
    expect(unknownIn('sum by (pod) (dpu_agent_ready)')).toEqual(['by pod']);
    expect(unknownIn('vector(1)')).toEqual(['no metric at all']);
  });
});

describe('the alerts', () => {
  it('use only metrics and labels that the agent exports', () => {
    const wrong = rules.flatMap(({ alert, expr }) => unknownIn(expr).map((fault) => `${alert}: ${fault}`));
    expect(wrong).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s says what it is and how to look further', (_, rule) => {
    const { summary = '', description = '', command = '' } = rule.annotations;
    expect(summary).not.toMatch(/[.]$/);
    expect(description).toMatch(/[.]$/);
    expect(command).toMatch(/^(?:dpuctl|journalctl|systemctl|dpu-node-agent) /);
    expect(['critical', 'warning', 'info']).toContain(rule.labels['severity']);
    const known = [...labelsOf].filter(([name]) => rule.expr.includes(name)).flatMap(([, labels]) => [...labels]);
    for (const label of labelsIn(description)) expect([...known, ...added]).toContain(label);
  });

  it('carry commands that the command lines of dpuctl and of the agent take', () => {
    for (const { alert, annotations } of rules) {
      for (const line of (annotations['command'] ?? '').split('; '))
        expect(() => checkCommand(line), alert).not.toThrow();
    }
    expect(() => checkCommand('dpuctl get lemons')).toThrow();
    expect(() => checkCommand('dpuctl why pod')).toThrow();
    expect(() => checkCommand('dpu-node-agent config eat')).toThrow();
    expect(() => checkCommand('rm -rf')).toThrow();
  });

  it("are critical for no failure of an attachment that a pod's owner can cause, and name each of these", () => {
    const exprOf = (name: string): string => rules.find(({ alert }) => alert === name)?.expr ?? '';
    const listed = podFaultReasons.join('|');
    expect(exprOf('DpuAttachmentsFailed')).toContain(`state="failed", reason!~"${listed}"`);
    expect(exprOf('DpuAttachmentsRefused')).toContain(`state="failed", reason=~"${listed}"`);
    const severe = rules.filter(({ expr, labels }) => /attachments/.test(expr) && labels['severity'] === 'critical');
    expect(severe.map(({ alert }) => alert)).toEqual(['DpuAttachmentsFailed']);
  });

  it('are explained in docs/alerts.md, with commands that work', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8');
    for (const { alert } of rules) expect(page).toContain(`* **\`${alert}\`**:`);
    const named = [...page.matchAll(/\*\*`(Dpu\w+)`\*\*/g)].map((match) => match[1]);
    expect(named).toEqual(rules.map(({ alert }) => alert));
    const lines = [...page.matchAll(/`((?:dpuctl|dpu-node-agent) [^`]+)`/g)].flatMap((match) =>
      (match[1] ?? '').split('; '),
    );
    expect(lines.length).toBeGreaterThan(rules.length);
    for (const line of lines) expect(() => checkCommand(line), line).not.toThrow();
  });

  it('have one name each, and a row in docs/alerts.md with their command', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    const page = readFileSync(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8');
    for (const { alert, labels, annotations } of rules) {
      expect(page).toContain(`| \`${alert}\` | ${labels['severity']} |`);
      expect(page).toContain(`| \`${annotations['command']}\` |`);
    }
  });
});

describe.each(['node', 'fleet'] as const)('the dashboard of the %s', (name) => {
  const { panels, templating, uid } = dashboard(name);
  const targets = panels.flatMap(({ title, targets: list = [] }) => list.map((target) => ({ title, ...target })));

  it('uses only metrics and labels that the agent exports', () => {
    const wrong = targets.flatMap(({ title, expr }) => unknownIn(expr).map((fault) => `${title}: ${fault}`));
    expect(wrong).toEqual([]);
    expect(targets.length).toBeGreaterThan(15);
  });

  it('names series by labels that they have', () => {
    for (const { expr, legendFormat = '' } of targets) {
      const known = [...labelsOf].filter(([metric]) => expr.includes(metric)).flatMap(([, labels]) => [...labels]);
      for (const label of labelsIn(legendFormat)) expect([...known, ...added], expr).toContain(label);
    }
  });

  it('asks for its data source, and has variables for all that it leaves open', () => {
    expect(uid).toBe(`dpu-agent-${name}`);
    const variables = templating.list.map((variable) => variable.name);
    expect(variables).toContain('datasource');
    const open = targets.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map((match) => match[1] ?? ''));
    expect(open.filter((word) => word !== '__rate_interval' && !variables.includes(word))).toEqual([]);
  });
});
