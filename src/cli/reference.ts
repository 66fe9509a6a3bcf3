/** The part of docs/cli.md that lists every command, its arguments and its options. A test keeps the file equal. Pure. */

import { globalOptions, type CommandSpec, type OptionSpec } from './command-spec.js';
import { exitTexts, usageLine } from './help-text.js';

/** Markers around the generated part of docs/cli.md. */
export const referenceStart = '<!-- generated from src/cli/command-table.ts -->';
export const referenceEnd = '<!-- end of the generated part -->';

const escaped = (text: string): string => text.replaceAll('|', String.raw`\|`);

function optionTitle({ name, short, value }: OptionSpec): string {
  const suffix = value === undefined ? '' : ` ${value}`;
  return [...(short === undefined ? [] : [`\`-${short}${suffix}\``]), `\`--${name}${suffix}\``].join(', ');
}

function table(heading: readonly [string, string], rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([left, right]) => `| ${left} | ${escaped(right)} |\n`);
  return `| ${heading[0]} | ${heading[1]} |\n|---|---|\n${lines.join('')}`;
}

const optionTable = (options: readonly OptionSpec[]): string =>
  table(
    ['Option', 'Meaning'],
    options.map((option) => [optionTitle(option), option.help]),
  );

function commandSection(command: CommandSpec): string {
  const { args, options, formats, examples = [], summary } = command;
  const parts = [
    `### \`${usageLine(command)}\`\n`,
    `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}. Output: ${formats.join(', ')}.\n`,
    ...args.map(({ name, help, values }) => {
      const words = values === undefined ? '' : ` (${values.map((word) => `\`${word}\``).join(', ')})`;
      return `* \`${name}\`: ${help}${words}`;
    }),
    ...(args.length === 0 ? [] : ['']),
    ...(options.length === 0 ? [] : [optionTable(options)]),
    ...(examples.length === 0 ? [] : [`\`\`\`\n${examples.map((line) => `dpuctl ${line}`).join('\n')}\n\`\`\`\n`]),
  ];
  return parts.join('\n');
}

/** The generated part, with its markers. */
export function cliReference(commands: readonly CommandSpec[]): string {
  const exits = table(
    ['Exit status', 'Means'],
    exitTexts.map(([code, text]): readonly [string, string] => [String(code), text]),
  );
  return [
    referenceStart,
    '',
    exits,
    '### Options of all commands\n',
    optionTable(globalOptions),
    ...commands.map(commandSection),
    referenceEnd,
  ].join('\n');
}
