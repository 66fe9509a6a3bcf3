/** How a command of dpuctl is described: its words, its options, and where its code is. Types and the options of all commands. */

import type { CommandContext, OutputFormat } from './command-context.js';
import type { Paint } from './paint.js';

/** An argument by its place. */
export interface ArgumentSpec {
  /** As it stands in the usage line, in capitals. */
  readonly name: string;
  readonly help: string;
  /** The words that it may be; absent: anything. */
  readonly values?: readonly string[];
  /** Words that shells offer for it, where anything else is taken too. */
  readonly offered?: readonly string[];
  readonly isOptional?: boolean;
}

export interface OptionSpec {
  /** Without dashes. */
  readonly name: string;
  readonly short?: string;
  /** What follows it, in capitals; absent: it is a flag. */
  readonly value?: string;
  readonly help: string;
  /** The words that may follow it; absent: anything. */
  readonly values?: readonly string[];
  /** What follows it is a file; shells complete it. */
  readonly isFile?: boolean;
  /** It may be given several times; its values are a list then. */
  readonly isRepeatable?: boolean;
}

/** What a person gave an option: a value, values, or that it is there. */
export type OptionValue = string | boolean | readonly string[] | undefined;

/** What a person wrote after the command. */
export interface CommandInput {
  /** By place; those that are optional may be missing. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, OptionValue>>;
}

/** What a command is given besides its input. */
export interface CtlContext extends CommandContext {
  /** Colours words where the output is a terminal that wants it. */
  readonly paint: Paint;
  /** Lines of the terminal; undefined: standard output is none. */
  readonly terminalRows: number | undefined;
  /** The run directory that the person named, or the usual one: that of an agent on this machine. */
  readonly runDir: string;
}

/** The exit status: 0, 3 where something is not ready; errors are thrown. */
export type RunCommand = (context: CtlContext, input: CommandInput) => Promise<number>;

export interface CommandSpec {
  /** One word, or two: `why pod`. */
  readonly name: string;
  /** One line, beginning in lower case. */
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** The first is the usual one. */
  readonly formats: readonly OutputFormat[];
  /** Command lines that work, without `dpuctl`. */
  readonly examples?: readonly string[];
  /** It asks no agent: none is looked for. */
  readonly isLocal?: boolean;
  /** Loads the code: a command costs no time to those who do not use it. */
  readonly load: () => Promise<RunCommand>;
}

/** Options of every command. */
export const globalOptions: readonly OptionSpec[] = [
  {
    name: 'output',
    short: 'o',
    value: 'FORMAT',
    help: 'table (text is another word for it), wide, json or yaml',
    values: ['table', 'wide', 'json', 'yaml', 'text'],
  },
  { name: 'json', help: 'short for -o json' },
  { name: 'wide', help: 'short for -o wide' },
  { name: 'address', value: 'ADDRESS', help: 'the agent: unix:/path of its socket, or host:port' },
  { name: 'ca', value: 'FILE', help: "PEM file of the authorities of the agent's certificate", isFile: true },
  { name: 'cert', value: 'FILE', help: 'PEM file of your certificate', isFile: true },
  { name: 'key', value: 'FILE', help: 'PEM file of its private key', isFile: true },
  {
    name: 'server-name',
    value: 'NAME',
    help: "the name in the agent's certificate, where it is not the host of the address",
  },
  { name: 'context', value: 'NAME', help: 'an agent of the contexts file' },
  {
    name: 'run-dir',
    value: 'DIR',
    help: 'run directory of the agent on this machine; its socket is api.sock there',
    isFile: true,
  },
  { name: 'timeout', value: 'SECONDS', help: 'how long an answer may take: 15 by default' },
  { name: 'no-color', help: 'no colours on a terminal either; NO_COLOR in the environment says the same' },
  { name: 'help', short: 'h', help: 'what a command takes' },
];
