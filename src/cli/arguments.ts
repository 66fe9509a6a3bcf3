/** The command line of `dpuctl`, parsed into one command. */

import { parseArgs } from 'node:util';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

export const helpText = `dpuctl: looks at the dpu-node-agent of this machine, and at what its chains do

Usage: dpuctl status              bridges, ports and chains, what is ready and why the rest is not
       dpuctl journal             the newest changes that the agent made
       dpuctl chains              the service chains, one a line, each with its condition
       dpuctl chain NAME          a picture of a chain: every port with rate, packets, bytes and drops, both ways
       dpuctl trace NAME          where a packet goes in a chain, and where and why it dies; sends none
       dpuctl version

Options:
      --json             machine-readable output
      --run-dir DIR      the agent's run directory (default /run/dpu-node-agent; or DPU_AGENT_RUN_DIR)
      --ovs-run-dir DIR  directory of Open vSwitch's sockets (default: the one that the agent uses)
      --interval SECONDS chain: between the two looks that give the rates (default 1; 0: one look, no rates)
      --from PORT        trace: where the packet enters: interface, or switch/port (default: the first port)
      --packet FIELDS    trace: SRC,DST,udp,sport=N,dport=N,vlan=N,ttl=N; SRC and DST are IP addresses, MACs, or both;
                         instead of udp: tcp, sctp, icmp, arp (default: a ping from 192.0.2.1 to 192.0.2.2)
  -h, --help             print this

Exit status: 0 everything is ready, the packet arrives; 1 failure; 2 wrong usage; 3 something is not ready, the agent is
silent, the packet dies.
`;

export type CtlCommand =
  | { readonly kind: 'help' | 'version' | 'status' | 'journal' | 'chains' }
  | { readonly kind: 'chain'; readonly chain: string; readonly intervalMs: number }
  | {
      readonly kind: 'trace';
      readonly chain: string;
      readonly from: string | undefined;
      readonly packet: string | undefined;
    };

export interface CtlInvocation {
  readonly command: CtlCommand;
  readonly isJson: boolean;
  /** The agent's run directory. */
  readonly runDir: string;
  /** Undefined: the one that the agent's status names. */
  readonly ovsRunDir: string | undefined;
}

const runDirDefault = '/run/dpu-node-agent';
const intervalSecondsMax = 3_600;

export function usage(message: string, remedy = 'See dpuctl --help.'): AgentError {
  return new AgentError('USAGE', message, { remedy });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'run-dir': { type: 'string' },
        'ovs-run-dir': { type: 'string' },
        interval: { type: 'string' },
        from: { type: 'string' },
        packet: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
}

type Values = ReturnType<typeof parse>['values'];

/** Options that only one command takes. */
const optionHomes = { interval: 'chain', from: 'trace', packet: 'trace' } as const;

function refuseStrays(name: string, values: Values): void {
  for (const [option, home] of Object.entries(optionHomes)) {
    if (home !== name && option in values) throw usage(`--${option} is an option of dpuctl ${home}`);
  }
}

function parseIntervalMs(text = '1'): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= intervalSecondsMax) return seconds * 1_000;
  throw usage(`--interval takes seconds from 0 to ${intervalSecondsMax}, not "${safeText(text)}"`);
}

function parseCommand(name: string, rest: readonly string[], values: Values): CtlCommand {
  const [first, ...more] = rest;
  const takesName = name === 'chain' || name === 'trace';
  const extra = takesName ? more[0] : first;
  if (extra !== undefined) throw usage(`unexpected argument "${safeText(extra)}"`);
  switch (name) {
    case 'version':
    case 'status':
    case 'journal':
    case 'chains':
      return { kind: name };
    case 'chain':
    case 'trace':
      if (first === undefined) throw usage(`dpuctl ${name} needs the name of a chain`, 'dpuctl chains lists them.');
      return name === 'chain'
        ? { kind: name, chain: first, intervalMs: parseIntervalMs(values.interval) }
        : { kind: name, chain: first, from: values.from, packet: values.packet };
    default:
      throw usage(`there is no command "${safeText(name)}"`);
  }
}

/**
 * What the arguments ask for.
 * @throws AgentError USAGE
 */
export function parseInvocation(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CtlInvocation {
  const { values, positionals } = parse(args);
  const runDir = values['run-dir'] ?? env['DPU_AGENT_RUN_DIR'] ?? runDirDefault;
  const common = { isJson: values.json, runDir, ovsRunDir: values['ovs-run-dir'] };
  if (values.help) return { ...common, command: { kind: 'help' } };
  const [name = 'status', ...rest] = positionals;
  refuseStrays(name, values);
  return { ...common, command: parseCommand(name, rest, values) };
}
