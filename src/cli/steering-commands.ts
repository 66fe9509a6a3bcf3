/** The commands that follow or change something, and those about dpuctl and the machine. Part of the table of commands. */

import { safeText } from '../lib/text.js';
import { parseCount, parseSeconds } from './command-line.js';
import type { CommandInput, CommandSpec, OptionSpec } from './command-spec.js';
import type { DoctorPlaces } from './doctor-gather.js';
import { usage } from './usage.js';

const fileOption: OptionSpec = {
  name: 'file',
  short: 'f',
  value: 'FILE',
  help: 'the bundle, YAML or JSON in the words of the configuration; - for standard input',
  isFile: true,
};

const ownerOption: OptionSpec = { name: 'owner', value: 'OWNER', help: 'whose bundle it is: dpuctl by default' };

const generationOption: OptionSpec = {
  name: 'generation',
  value: 'N',
  help: 'number of the bundle; by default that in force where nothing differs, else the next',
};

type Options = CommandInput['options'];

const textOf = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

function fileOf(options: Options): string {
  const file = textOf(options, 'file');
  if (file === undefined)
    throw usage('the bundle is missing', 'Name its file with -f FILE, or -f - for standard input.');
  return file;
}

function generationOf(options: Options): bigint | undefined {
  const text = textOf(options, 'generation');
  return text === undefined ? undefined : BigInt(parseCount('generation', text, 1, Number.MAX_SAFE_INTEGER));
}

const intervalMsOf = (options: Options, msDefault: number): number => {
  const text = textOf(options, 'interval');
  return text === undefined ? msDefault : parseSeconds('interval', text, 0.5, 3_600);
};

const plain = ['table', 'json', 'yaml'] as const;

const ovsRunDirOption: OptionSpec = {
  name: 'ovs-run-dir',
  value: 'DIR',
  help: "directory of Open vSwitch's sockets: by default the one that the agent names",
  isFile: true,
};

const configOption: OptionSpec = {
  name: 'config',
  value: 'FILE',
  help: "the agent's configuration: by default the one that it names, else /etc/dpu-node-agent/config.yaml",
  isFile: true,
};

const stateDirOption: OptionSpec = {
  name: 'state-dir',
  value: 'DIR',
  help: "the agent's state directory: by default the one that it names, else /var/lib/dpu-node-agent",
  isFile: true,
};

const placesOf = (options: Options): DoctorPlaces => ({
  ovsRunDir: textOf(options, 'ovs-run-dir'),
  configFile: textOf(options, 'config'),
  stateDir: textOf(options, 'state-dir'),
});

export const steeringCommands: readonly CommandSpec[] = [
  {
    name: 'top',
    summary: 'live rates of ports, pods and chains, the busiest first, and where their packets are processed',
    args: [],
    options: [
      { name: 'once', help: 'one table, then the end' },
      { name: 'rows', value: 'COUNT', help: 'how many rows at most' },
      { name: 'interval', value: 'SECONDS', help: 'between two looks: 5 by default' },
    ],
    formats: plain,
    load: async () => {
      const { top, topIntervalMsDefault } = await import('./top-command.js');
      return (context, { options }) => {
        const rows = textOf(options, 'rows');
        return top(context, {
          isOnce: options['once'] === true,
          rowsMax: rows === undefined ? undefined : parseCount('rows', rows, 1, 100_000),
          intervalMs: intervalMsOf(options, topIntervalMsDefault),
          terminalRows: context.terminalRows,
        });
      };
    },
  },
  {
    name: 'watch',
    summary: 'what is there, then each change as it comes, until Ctrl-C',
    args: [
      {
        name: 'KIND',
        help: 'what to watch: by default the whole topology',
        values: ['topology', 'bridges', 'ports', 'representors', 'attachments', 'chains', 'journal', 'intents'],
        isOptional: true,
      },
      { name: 'OWNER', help: 'of intents: only those of this owner', isOptional: true },
    ],
    options: [],
    formats: plain,
    examples: ['watch', 'watch ports', 'watch intents fleet'],
    load: async () => {
      const [{ watchTopology }, { watchIntents, watchJournal }, { topologyKinds, topologyWord }] = await Promise.all([
        import('./watch-topology.js'),
        import('./watch-command.js'),
        import('./get-command.js'),
      ]);
      return (context, { args: [word = 'topology', owner] }) => {
        if (word === 'intents') return watchIntents(context, owner);
        if (owner !== undefined) throw usage(`unexpected argument "${safeText(owner)}"`, 'See dpuctl watch --help.');
        if (word === 'journal') return watchJournal(context, { tail: 20 });
        const kind = topologyWord(word);
        return watchTopology(context, kind === undefined ? [] : [topologyKinds[kind][1]]);
      };
    },
  },
  {
    name: 'apply',
    summary: 'hands in a bundle of bridges, ports, chains and attachments, whole',
    args: [],
    options: [
      fileOption,
      ownerOption,
      generationOption,
      { name: 'dry-run', help: 'only say what would change' },
      { name: 'wait', help: 'until it is ready or has failed; see --wait-timeout' },
      { name: 'wait-timeout', value: 'SECONDS', help: 'how long to wait: 60 by default' },
    ],
    formats: plain,
    examples: ['apply -f bundle.yaml --wait', 'apply -f - --owner fleet --dry-run'],
    load: async () => {
      const { apply, ownerDefault, waitMsDefault } = await import('./apply-command.js');
      return (context, { options }) => {
        const limit = textOf(options, 'wait-timeout');
        const waitMs = limit === undefined ? waitMsDefault : parseSeconds('wait-timeout', limit, 1, 86_400);
        return apply(context, {
          file: fileOf(options),
          owner: textOf(options, 'owner') ?? ownerDefault,
          generation: generationOf(options),
          isDryRun: options['dry-run'] === true,
          waitMs: options['wait'] === true || limit !== undefined ? waitMs : undefined,
        });
      };
    },
  },
  {
    name: 'diff',
    summary: 'what a bundle would change; exit status 3 when something would',
    args: [],
    options: [fileOption, ownerOption, generationOption],
    formats: plain,
    examples: ['diff -f bundle.yaml'],
    load: async () => {
      const { diff, ownerDefault } = await import('./apply-command.js');
      return (context, { options }) =>
        diff(context, {
          file: fileOf(options),
          owner: textOf(options, 'owner') ?? ownerDefault,
          generation: generationOf(options),
        });
    },
  },
  {
    name: 'delete',
    summary: 'an owner wants nothing any more: what was made for it is removed',
    args: [
      { name: 'intents', help: 'what to delete', values: ['intents', 'intent'] },
      { name: 'OWNER', help: 'whose bundle' },
    ],
    options: [{ name: 'generation', value: 'N', help: 'only if this one is in force' }],
    formats: plain,
    examples: ['delete intents fleet'],
    load: async () => {
      const { deleteIntents } = await import('./apply-command.js');
      return (context, { args, options }) =>
        deleteIntents(context, { owner: args[1] ?? '', generation: generationOf(options) });
    },
  },
  {
    name: 'doctor',
    summary: 'checks what the agent needs, with or without it: pass, fail with a remedy, or not testable',
    args: [],
    options: [ovsRunDirOption, configOption, stateDirOption],
    formats: plain,
    examples: ['doctor', 'doctor -o json'],
    load: async () => {
      const [{ doctor }, { gatherFacts }] = await Promise.all([
        import('./doctor-command.js'),
        import('./doctor-gather.js'),
      ]);
      return async (context, { options }) => doctor(context, await gatherFacts(context, placesOf(options)));
    },
  },
  {
    name: 'bundle',
    summary: 'an archive for those who help from afar; identities and secrets are taken out',
    args: [],
    options: [
      {
        name: 'file',
        short: 'f',
        value: 'FILE',
        help: 'the archive, .tar.gz: by default named by the time',
        isFile: true,
      },
      { name: 'no-redact', help: 'leave addresses, names and ids in it' },
      ovsRunDirOption,
      configOption,
      stateDirOption,
    ],
    formats: ['table'],
    examples: ['bundle', 'bundle -f /tmp/node.tar.gz'],
    load: async () => {
      const [{ supportBundle }, { gatherFacts }] = await Promise.all([
        import('./support-bundle.js'),
        import('./doctor-gather.js'),
      ]);
      return async (context, { options }) => {
        const facts = await gatherFacts(context, placesOf(options));
        return supportBundle(context, facts, {
          file: textOf(options, 'file'),
          isRedacted: options['no-redact'] !== true,
          configFile: facts.configFile,
        });
      };
    },
  },
];
