/** Help from the table of commands. Pure. */

import { globalOptions, type CommandSpec, type OptionSpec } from './command-spec.js';

export const exitTexts: readonly (readonly [number, string])[] = [
  [0, 'everything that was asked for is ready; the packet arrives; nothing would change'],
  [1, 'failure: the agent does not answer, or refuses; the message says what to do'],
  [2, 'wrong usage: no such command, object or network; a request that cannot be understood'],
  [3, 'something is not ready or a rung is broken, the pod is not listed, the packet dies, something would change'],
];

/** `--output FORMAT, -o`, as it is typed. */
export function optionUsage({ name, short, value }: OptionSpec): string {
  const dashed = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return value === undefined ? dashed : `${dashed} ${value}`;
}

/** `dpuctl get KIND [NAME]`. */
export function usageLine({ name, args }: CommandSpec): string {
  const words = args.map((arg) => (arg.isOptional === true ? `[${arg.name}]` : arg.name));
  return ['dpuctl', name, ...words].join(' ');
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}

const optionRows = (options: readonly OptionSpec[]): readonly (readonly [string, string])[] =>
  options.map((option) => [optionUsage(option), option.help]);

/** Help on everything. */
export function helpText(commands: readonly CommandSpec[]): string {
  return [
    'dpuctl: looks at a dpu-node-agent and steers it, on this machine or from afar\n\n',
    'Usage: dpuctl COMMAND [ARGUMENTS] [OPTIONS]; without a command: status\n\nCommands:\n',
    columns(commands.map((command) => [usageLine(command).slice('dpuctl '.length), command.summary])),
    '\nOptions of all commands:\n',
    columns(optionRows(globalOptions)),
    '\nThe agent is the one of --address, --run-dir, --context, DPUCTL_ADDRESS, DPU_AGENT_RUN_DIR, or of current-context in\n',
    'the contexts file (DPUCTL_CONFIG, else ~/.config/dpuctl/config.yaml), whichever comes first; else that of this machine.\n',
    '\nExit status:\n',
    columns(exitTexts.map(([code, text]) => [String(code), text])),
    '\ndpuctl COMMAND --help tells what a command takes.\n',
  ].join('');
}

/** Help on one command. */
export function commandHelp(command: CommandSpec): string {
  const { args, options, formats, examples = [], summary, name } = command;
  const shown = args.map(({ name: word, help, values }): readonly [string, string] => [
    word,
    values === undefined ? help : `${help}: ${values.join(', ')}`,
  ]);
  return [
    `dpuctl ${name}: ${summary}\n\nUsage: ${usageLine(command)} [OPTIONS]\n`,
    ...(shown.length === 0 ? [] : ['\nArguments:\n', columns(shown)]),
    ...(options.length === 0 ? [] : ['\nOptions:\n', columns(optionRows(options))]),
    ...(examples.length === 0 ? [] : ['\nExamples:\n', ...examples.map((line) => `  dpuctl ${line}\n`)]),
    `\nOutput: ${formats.join(', ')}. The options of all commands are in dpuctl --help.\n`,
  ].join('');
}
