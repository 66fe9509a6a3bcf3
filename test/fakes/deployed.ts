/** The alerts and dashboards under deploy/, read as a monitoring system would. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly AlertRule[];
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly fieldConfig?: { readonly defaults: { readonly noValue?: string } };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const deploy = join(import.meta.dirname, '../../deploy');

export function ruleGroups(): readonly RuleGroup[] {
  const file = parse(readFileSync(join(deploy, 'prometheus/rules.yaml'), 'utf8')) as {
    readonly spec: { readonly groups: readonly RuleGroup[] };
  };
  return file.spec.groups;
}

export function dashboard(name: 'node' | 'fleet'): Dashboard {
  return JSON.parse(readFileSync(join(deploy, `grafana/${name}.json`), 'utf8')) as Dashboard;
}
