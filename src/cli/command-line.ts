/** The command line of dpuctl: which command, with which arguments and options. */

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { safeText } from '../lib/text.js';
import type { OutputFormat } from './command-context.js';
import {
  globalOptions,
  type ArgumentSpec,
  type CommandInput,
  type CommandSpec,
  type OptionSpec,
} from './command-spec.js';
import { usage } from './usage.js';

export type ParsedLine =
  /** `topic`: the command that help is wanted of; undefined: of all. */
  | { readonly kind: 'help'; readonly topic: CommandSpec | undefined }
  | {
      readonly kind: 'command';
      readonly command: CommandSpec;
      readonly input: CommandInput;
      readonly format: OutputFormat;
      /** Milliseconds; undefined: the usual. */
      readonly timeoutMs: number | undefined;
    };

const timeoutSecondsMax = 3_600;

type ParseOptions = NonNullable<ParseArgsConfig['options']>;

function toParseOptions(options: readonly OptionSpec[]): ParseOptions {
  return Object.fromEntries(
    options.map(({ name, short, value, isRepeatable }) => [
      name,
      {
        type: value === undefined ? 'boolean' : 'string',
        ...(short === undefined ? {} : { short }),
        ...(isRepeatable === true ? { multiple: true } : {}),
      },
    ]),
  );
}

/** The words before the options of a command are known: options of all commands are understood, others let pass. */
function leadingWords(args: readonly string[]): readonly string[] {
  const { positionals } = parseArgs({
    args: [...args],
    options: toParseOptions(globalOptions),
    allowPositionals: true,
    strict: false,
  });
  return positionals;
}

/** The command that the words begin with; the longest name wins. */
function findCommand(commands: readonly CommandSpec[], words: readonly string[]): CommandSpec | undefined {
  const candidates = commands.filter(({ name }) => name.split(' ').every((word, place) => words[place] === word));
  return candidates.sort((a, b) => b.name.length - a.name.length)[0];
}

function unknownCommand(commands: readonly CommandSpec[], words: readonly string[]): Error {
  const [first = '', second] = words;
  const family = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name.split(' ')[1]);
  if (family.length === 0) return usage(`there is no command "${safeText(first)}"`);
  const wanted = `dpuctl ${first} takes ${family.join(', ')}`;
  return usage(second === undefined ? wanted : `${wanted}, not "${safeText(second)}"`);
}

/** The commands that have the option, for whoever gave it to another. */
function homesOf(commands: readonly CommandSpec[], option: string): readonly string[] {
  return commands.filter(({ options }) => options.some(({ name }) => name === option)).map(({ name }) => name);
}

function parse(commands: readonly CommandSpec[], command: CommandSpec, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: toParseOptions([...globalOptions, ...command.options]),
      allowPositionals: true,
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const option = /^Unknown option '--([a-z-]+)/.exec(message)?.[1];
    const homes = option === undefined ? [] : homesOf(commands, option);
    const hint = `See dpuctl ${command.name} --help.`;
    if (homes.length > 0) throw usage(`--${option ?? ''} is an option of dpuctl ${homes.join(', ')}`, hint);
    throw usage(safeText(message, 300), hint);
  }
}

/** The word of the list that is meant: of kinds of objects, one is as good as several. */
function meantWord({ name, values = [] }: ArgumentSpec, given: string): string | undefined {
  if (values.includes(given)) return given;
  return name === 'KIND' ? values.find((word) => word === `${given}s` || `${word}s` === given) : undefined;
}

/** The arguments in the words of the table. */
function checkArguments({ name, args: specs }: CommandSpec, args: readonly string[]): readonly string[] {
  const hint = `See dpuctl ${name} --help.`;
  const extra = args[specs.length];
  if (extra !== undefined) throw usage(`unexpected argument "${safeText(extra)}"`, hint);
  const missing = specs.find((spec, place) => spec.isOptional !== true && args[place] === undefined);
  if (missing !== undefined) throw usage(`dpuctl ${name} needs ${missing.name}: ${missing.help}`, hint);
  return args.map((given, place) => {
    const spec = specs[place];
    if (spec?.values === undefined) return given;
    const meant = meantWord(spec, given);
    if (meant !== undefined) return meant;
    throw usage(`${spec.name} is one of ${spec.values.join(', ')}, not "${safeText(given)}"`, hint);
  });
}

/** Everything that an option was given, in its order. */
export function optionTexts(options: CommandInput['options'], name: string): readonly string[] {
  const given = options[name];
  if (typeof given === 'string') return [given];
  return given === undefined || typeof given === 'boolean' ? [] : given;
}

function checkValues(options: readonly OptionSpec[], values: CommandInput['options']): void {
  for (const { name, values: allowed } of options) {
    const wrong = optionTexts(values, name).find((given) => allowed?.includes(given) === false);
    if (wrong === undefined || allowed === undefined) continue;
    throw usage(`--${name} takes ${allowed.join(', ')}, not "${safeText(wrong)}"`);
  }
}

function formatOf({ name, formats }: CommandSpec, values: CommandInput['options']): OutputFormat {
  const named = values['output'] === 'text' ? 'table' : values['output'];
  const flags = (['json', 'wide'] as const).filter((flag) => values[flag] === true);
  const all = [...new Set([...(named === undefined ? [] : [named]), ...flags])];
  if (all.length > 1) throw usage(`${all.join(' and ')} are asked for at the same time`, 'Choose one output format.');
  const [wanted] = all;
  const format = formats.find((entry) => entry === (wanted ?? formats[0]));
  if (format !== undefined) return format;
  throw usage(`dpuctl ${name} prints ${formats.join(', ')}, not ${safeText(String(wanted))}`);
}

/** A number of seconds as milliseconds. @throws AgentError USAGE */
export function parseSeconds(option: string, text: string, secondsMin: number, secondsMax: number): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= secondsMin && seconds <= secondsMax) return seconds * 1_000;
  throw usage(`--${option} takes seconds from ${secondsMin} to ${secondsMax}, not "${safeText(text)}"`);
}

/** A number of things. @throws AgentError USAGE */
export function parseCount(option: string, text: string, min: number, max: number): number {
  const count = Number(text);
  if (/^\d{1,15}$/.test(text) && count >= min && count <= max) return count;
  throw usage(`--${option} takes a number from ${min} to ${max}, not "${safeText(text)}"`);
}

/**
 * What the arguments ask for.
 * @throws AgentError USAGE
 */
export function parseLine(commands: readonly CommandSpec[], args: readonly string[]): ParsedLine {
  const words = leadingWords(args);
  const isHelp = args.includes('--help') || args.includes('-h') || words[0] === 'help';
  const asked = words[0] === 'help' ? words.slice(1) : words;
  const command = findCommand(commands, asked.length === 0 ? ['status'] : asked);
  // `why` alone begins several commands: the help on all of them lists it.
  const isFamily = asked.length === 1 && commands.some(({ name }) => name.startsWith(`${asked[0] ?? ''} `));
  if (isHelp && (asked.length === 0 || (command === undefined && isFamily))) return { kind: 'help', topic: undefined };
  if (command === undefined) throw unknownCommand(commands, asked);
  if (isHelp) return { kind: 'help', topic: command };
  const { values, positionals } = parse(commands, command, args);
  const options = values as CommandInput['options'];
  // Before the first word of the command there are options only, so its arguments follow its words.
  const given = asked.length === 0 ? [] : positionals.slice(command.name.split(' ').length);
  const rest = checkArguments(command, given);
  checkValues([...globalOptions, ...command.options], options);
  const timeout = options['timeout'];
  const timeoutMs = typeof timeout === 'string' ? parseSeconds('timeout', timeout, 0.1, timeoutSecondsMax) : undefined;
  return { kind: 'command', command, input: { args: rest, options }, format: formatOf(command, options), timeoutMs };
}
