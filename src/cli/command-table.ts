/**
 * All commands of dpuctl. Help, completion and the reference in docs/cli.md are made from this table; the code of a command is
 * loaded when it is run.
 */

import type { CommandSpec, OptionSpec } from './command-spec.js';
import { offloadCommands } from './offload-commands.js';
import { steeringCommands } from './steering-commands.js';

const kindValues = ['bridges', 'ports', 'representors', 'attachments', 'chains', 'findings', 'intents'] as const;
const describedValues = ['bridge', 'port', 'representor', 'attachment', 'chain', 'intent'] as const;

const chainArgument = { name: 'CHAIN', help: 'name of a service chain; dpuctl chains lists them' } as const;
const all = ['table', 'wide', 'json', 'yaml'] as const;
const plain = ['table', 'json', 'yaml'] as const;

const fromOption: OptionSpec = {
  name: 'from',
  value: 'PORT',
  help: "where the packet enters: interface, switch/port, or the port's words; by default the chain's first port",
};

const packetOption: OptionSpec = {
  name: 'packet',
  value: 'FIELDS',
  help: 'SRC,DST,udp,sport=N,dport=N,vlan=N,ttl=N in any order; instead of udp: tcp, sctp, icmp, arp. By default a ping',
};

const lookingCommands: readonly CommandSpec[] = [
  {
    name: 'status',
    summary: 'one screen: is the agent alive, is all right, what hurts',
    args: [],
    options: [],
    formats: all,
    load: async () => (await import('./status-command.js')).status,
  },
  {
    name: 'get',
    summary: 'objects of one kind, one a line',
    args: [
      { name: 'KIND', help: 'what to list', values: kindValues },
      { name: 'NAME', help: 'only this one; of attachments also NS/POD, of findings a reason too', isOptional: true },
    ],
    options: [],
    formats: all,
    examples: ['get ports', 'get representors -o wide', 'get attachments default/web-0 -o yaml'],
    load: async () => (await import('./get-command.js')).get,
  },
  {
    name: 'describe',
    summary: 'everything that the agent tells of one object',
    args: [
      { name: 'KIND', help: 'what it is', values: describedValues },
      { name: 'NAME', help: 'its name; of an intent its owner' },
    ],
    options: [],
    formats: plain,
    examples: ['describe port p0', 'describe attachment default/web-0'],
    load: async () => (await import('./describe-command.js')).describe,
  },
  {
    name: 'pods',
    summary: "the networks of the host cluster's pods, one a line",
    args: [],
    options: [{ name: 'failing-first', help: 'what has failed comes first, then what waits' }],
    formats: all,
    load: async () => (await import('./pods-command.js')).pods,
  },
  {
    name: 'chains',
    summary: 'the service chains, one a line',
    args: [],
    options: [],
    formats: all,
    load: async () => (await import('./chains-command.js')).chains,
  },
  {
    name: 'chain',
    summary: 'a picture of a chain: every port with rate, packets, bytes and drops, both ways',
    args: [chainArgument],
    options: [
      {
        name: 'interval',
        value: 'SECONDS',
        help: 'between the two looks that give the rates: 1 by default; 0 looks once and gives none',
      },
    ],
    formats: plain,
    load: async () => (await import('./chain-command.js')).chain,
  },
  {
    name: 'why pod',
    summary: 'from a pod to its packets, rung by rung, up to the first that is broken, with cause, remedy and command',
    args: [{ name: 'NS/NAME', help: 'namespace and name of the pod; dpuctl pods lists them' }],
    options: [
      { name: 'network', value: 'KEY', help: 'only this network: default, or the NAMESPACE/NAME of its definition' },
    ],
    formats: plain,
    examples: ['why pod default/web-0'],
    load: async () => (await import('./explain-commands.js')).whyPod,
  },
  {
    name: 'why port',
    summary: 'what is known of a port: evidence, findings, changes; of a representor also its pods',
    args: [{ name: 'PORT', help: 'name of a port' }],
    options: [],
    formats: plain,
    load: async () => (await import('./explain-commands.js')).whyPort,
  },
  {
    name: 'why chain',
    summary: 'the same of a service chain and its ports',
    args: [chainArgument],
    options: [],
    formats: plain,
    load: async () => (await import('./explain-commands.js')).whyChain,
  },
  {
    name: 'trace',
    summary: 'where a packet goes in a chain, and where and why it dies; sends none. Role operator',
    args: [chainArgument],
    options: [fromOption, packetOption],
    formats: plain,
    examples: ["trace p0-fw-hbn --packet '10.0.0.1,10.0.0.2,udp,dport=53'"],
    load: async () => (await import('./explain-commands.js')).trace,
  },
  {
    name: 'journal',
    summary: 'the newest changes, oldest first, and on whose behalf',
    args: [],
    options: [
      { name: 'follow', short: 'f', help: 'and those to come, until Ctrl-C' },
      { name: 'tail', value: 'COUNT', help: 'how many of those that are there: 20 by default, at most 1000' },
    ],
    formats: all,
    load: async () => (await import('./journal-command.js')).journal,
  },
  {
    name: 'version',
    summary: 'version of dpuctl, and of the agent where one answers',
    args: [],
    options: [],
    formats: plain,
    load: async () => (await import('./version-command.js')).version,
  },
];

const completionCommand: CommandSpec = {
  name: 'completion',
  summary: 'a script that completes the words of dpuctl in a shell',
  args: [{ name: 'SHELL', help: 'for which', values: ['bash', 'zsh', 'fish'] }],
  options: [],
  formats: ['table'],
  examples: ['completion bash'],
  isLocal: true,
  load: async () => {
    const { completionScript } = await import('./completion.js');
    return (context, { args: [shell] }) => {
      context.print(completionScript(shell === 'zsh' || shell === 'fish' ? shell : 'bash', commands));
      return Promise.resolve(0);
    };
  },
};

export const commands: readonly CommandSpec[] = [
  ...lookingCommands,
  ...offloadCommands,
  ...steeringCommands,
  completionCommand,
];
