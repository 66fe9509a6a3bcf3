/** The reference of the metrics, docs/metrics.md, made from the catalogue by `npm run generate`. */

import { catalogueSections } from './catalogue.js';
import type { MetricSpec } from './metric-spec.js';

const introduction = `# Metrics

<!-- Made from src/telemetry/catalogue.ts by npm run generate; not edited. -->

\`GET /metrics\` of the HTTP API (\`api.http.listen\`, by default \`http://127.0.0.1:9480\`) answers in Prometheus' text format,
or as OpenMetrics 1.0.0 to a client that asks for it, compressed to one that takes gzip. In OpenMetrics the family of a counter
is named without \`_total\`, its samples with it, as that format wants.

* Everything is made at the scrape from what the agent knows at that moment: no question goes to \`ovs-vswitchd\` or to an API
  server, and the series of an object go with it. What is not known has no series: absent is not zero.
* Figures are as old as the status they are made from: see \`dpu_agent_status_age_seconds\`. Those of interfaces Open vSwitch
  puts into its database every \`other_config:stats-update-interval\` (5 s where that is not set), and only where they changed:
  \`dpu_agent_counters_age_seconds\` is the time since the last change of any, however long there was no traffic.
* Units are seconds and bytes. Counters start at zero with the process, but for those of interfaces, which are Open vSwitch's.
* Figures of offload are as old as the measurement that they are from, and their cost is told with them:
  \`dpu_agent_offload_measurement_timestamp_seconds\`, \`dpu_agent_offload_vswitchd_main_thread_seconds_total\`. What they prove,
  and what they do not, is in [offload.md](offload.md).
* The series of interfaces, and those of their offload, are switched by \`api.metrics.representors\`, their labels
  \`namespace\` and \`pod\` by \`api.metrics.podLabels\`; \`api.metrics.representorsMax\` bounds their number, ports that are no pod's
  first.
* No \`ovs_vswitchd_*\` name is used: where another exporter of Open vSwitch runs as well, every sum would count twice.

The alerts and dashboards that are made of them: [alerts.md](alerts.md).
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function row({ name, type, unit, help, labels, values, source }: MetricSpec): string {
  const label = labels.map((entry) => `\`${entry}\``).join(', ');
  const text = values === undefined ? help : `${help} Values: ${values}.`;
  return `| \`${name}\` | ${type} | ${unit} | ${label} | ${cell(text)} | ${cell(source)} |`;
}

/** The page as Markdown. */
export function metricsReference(): string {
  const sections = Object.entries(catalogueSections).map(([title, metrics]) => {
    const rows = Object.values(metrics).map(row);
    return [
      `## ${title}`,
      '',
      '| metric | type | unit | labels | what it says | from |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `${[introduction, ...sections].join('\n')}\n`.replace(/\n## /g, '\n\n## ').replace(/\n{3,}/g, '\n\n');
}
