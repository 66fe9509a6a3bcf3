/** The commands about hardware offload. Part of the table of commands. */

import { optionTexts, parseCount, parseSeconds } from './command-line.js';
import type { CommandInput, CommandSpec } from './command-spec.js';
import { rowKinds } from './row-kinds.js';

type Options = CommandInput['options'];

const lastText = (options: Options, name: string): string | undefined => optionTexts(options, name).at(-1);

function countOf(options: Options, name: string, countMax: number): number | undefined {
  const text = lastText(options, name);
  return text === undefined ? undefined : parseCount(name, text, 1, countMax);
}

const all = ['table', 'wide', 'json', 'yaml'] as const;

export const offloadCommands: readonly CommandSpec[] = [
  {
    name: 'offload status',
    summary: 'hardware offload: configured, in effect, what needs a restart, what is wrong, what looking at it costs',
    args: [],
    options: [{ name: 'checks', help: 'every check by its name, and why some could not be made' }],
    formats: all,
    load: async () => (await import('./offload-status-command.js')).offloadStatus,
  },
  {
    name: 'offload top',
    summary: 'where the packets of ports, pods and chains are processed; most packets in software first',
    args: [],
    options: [
      { name: 'watch', short: 'w', help: 'live, until Ctrl-C; while somebody watches, flows are looked at more often' },
      { name: 'kind', value: 'KIND', help: 'only objects of this kind', values: rowKinds },
      { name: 'rows', short: 'n', value: 'COUNT', help: 'how many rows at most' },
      { name: 'interval', value: 'SECONDS', help: 'between two looks of a live table: 5 by default' },
    ],
    formats: all,
    examples: ['offload top', 'offload top -w --kind pod -n 10'],
    load: async () => {
      const { offloadTop, offloadTopIntervalMsDefault } = await import('./offload-top-command.js');
      return (context, { options }) => {
        const interval = lastText(options, 'interval');
        const kind = lastText(options, 'kind');
        return offloadTop(context, {
          isLive: options['watch'] === true,
          kind: rowKinds.find((word) => word === kind),
          rowsMax: countOf(options, 'rows', 100_000),
          intervalMs:
            interval === undefined ? offloadTopIntervalMsDefault : parseSeconds('interval', interval, 1, 3_600),
          terminalRows: context.terminalRows,
        });
      };
    },
  },
  {
    name: 'offload flows',
    summary: 'the largest flows in software: why each is there, and what can be done',
    args: [],
    options: [
      {
        name: 'port',
        value: 'PORT',
        help: 'only flows that come in or go out at this port; may be given again',
        isRepeatable: true,
      },
      {
        name: 'reason',
        value: 'REASON',
        help: 'only flows with this reason (docs/errors.md); may be given again',
        isRepeatable: true,
      },
      { name: 'count', short: 'n', value: 'COUNT', help: 'how many: 20 by default, at most 500' },
      { name: 'rules', help: 'the OpenFlow rules that the first ones were made from' },
      { name: 'fresh', help: 'of a dump that is made now, where the agent finds that it may be' },
    ],
    formats: all,
    examples: ['offload flows', 'offload flows --port pf0vf3 --reason unsupported_action --rules'],
    load: async () => {
      const { offloadFlows, offloadFlowsCountDefault } = await import('./offload-flows-command.js');
      return (context, { options }) =>
        offloadFlows(context, {
          ports: optionTexts(options, 'port'),
          reasons: optionTexts(options, 'reason'),
          countMax: countOf(options, 'count', 500) ?? offloadFlowsCountDefault,
          hasRules: options['rules'] === true,
          isFresh: options['fresh'] === true,
          isTimed: options['timeout'] !== undefined,
        });
    },
  },
  {
    name: 'offload why',
    summary: 'from the settings to the flows of one object, or of the node: is it in hardware, and if not, why',
    args: [
      {
        name: 'KIND',
        help: 'pod, port or chain; it may be left out: NS/NAME is a pod, another name a port or a chain',
        offered: rowKinds,
        isOptional: true,
      },
      { name: 'NAME', help: 'NS/NAME of a pod, name of a port or chain; without both, the node', isOptional: true },
    ],
    options: [
      {
        name: 'network',
        value: 'KEY',
        help: 'of a pod only this network: default, or the NAMESPACE/NAME of its definition',
      },
    ],
    formats: ['table', 'json', 'yaml'],
    examples: ['offload why', 'offload why pod default/web-0', 'offload why pf0vf3'],
    load: async () => (await import('./offload-why-command.js')).offloadWhy,
  },
];
