/** The command line of `dpuctl`, parsed into one command. */

import { parseArgs } from 'node:util';
import { isNamespaceName, isObjectName } from '../attach/nad-key.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';

export const helpText = `dpuctl: looks at the dpu-node-agent of this machine, and at what its chains do

Usage: dpuctl status              bridges, ports, chains and pods, what is ready and why the rest is not
       dpuctl journal             the newest changes that the agent made
       dpuctl pods                the networks of the host cluster's pods, one a line, each with its condition
       dpuctl why pod NS/NAME     from the pod to its packets, rung by rung, up to the first that is broken, with a remedy
       dpuctl why port NAME       what is known of a port: evidence, findings, changes; of a representor also its pod
       dpuctl why chain NAME      the same of a service chain and its ports
       dpuctl chains              the service chains, one a line, each with its condition
       dpuctl chain NAME          a picture of a chain: every port with rate, packets, bytes and drops, both ways
       dpuctl trace NAME          where a packet goes in a chain, and where and why it dies; sends none
       dpuctl version

Options:
  -o, --output FORMAT    text, json, or of pods wide (default text); --json and --wide are short for two of them
      --run-dir DIR      the agent's run directory (default /run/dpu-node-agent; or DPU_AGENT_RUN_DIR)
      --ovs-run-dir DIR  directory of Open vSwitch's sockets (default: the one that the agent uses)
      --network KEY      why pod: only this network: default, or NAMESPACE/NAME of its definition
      --failing-first    pods: those that have failed come first, then those that wait
      --interval SECONDS chain: between the two looks that give the rates (default 1; 0: one look, no rates)
      --from PORT        trace: where the packet enters: interface, or switch/port (default: the first port)
      --packet FIELDS    trace: SRC,DST,udp,sport=N,dport=N,vlan=N,ttl=N; SRC and DST are IP addresses, MACs, or both;
                         instead of udp: tcp, sctp, icmp, arp (default: a ping from 192.0.2.1 to 192.0.2.2)
  -h, --help             print this

Exit status: 0 everything is ready, the packet arrives; 1 failure; 2 wrong usage; 3 something is not ready, the agent is
silent, the pod is not listed, the packet dies.
`;

export type CtlCommand =
  | { readonly kind: 'help' | 'version' | 'status' | 'journal' | 'chains' }
  | { readonly kind: 'chain'; readonly chain: string; readonly intervalMs: number }
  | {
      readonly kind: 'trace';
      readonly chain: string;
      readonly from: string | undefined;
      readonly packet: string | undefined;
    }
  | { readonly kind: 'pods'; readonly isWide: boolean; readonly isFailingFirst: boolean }
  | {
      readonly kind: 'whyPod';
      readonly namespace: string;
      readonly name: string;
      /** Undefined: all networks of the pod. */
      readonly network: string | undefined;
    }
  | { readonly kind: 'whyObject'; readonly object: 'port' | 'chain'; readonly name: string };

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
        output: { type: 'string', short: 'o' },
        wide: { type: 'boolean' },
        'failing-first': { type: 'boolean' },
        network: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause));
  }
}

type Values = ReturnType<typeof parse>['values'];

/** Options that only one command takes. */
const optionHomes = {
  interval: 'chain',
  from: 'trace',
  packet: 'trace',
  network: 'why pod',
  wide: 'pods',
  'failing-first': 'pods',
} as const;

function refuseStrays(name: string, values: Values): void {
  for (const [option, home] of Object.entries(optionHomes)) {
    if (home.split(' ')[0] !== name && option in values) throw usage(`--${option} is an option of dpuctl ${home}`);
  }
}

function parseIntervalMs(text = '1'): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= intervalSecondsMax) return seconds * 1_000;
  throw usage(`--interval takes seconds from 0 to ${intervalSecondsMax}, not "${safeText(text)}"`);
}

interface Output {
  readonly isJson: boolean;
  readonly isWide: boolean;
}

function parseOutput(name: string, { output, json, wide = false }: Values): Output {
  const isWide = wide || output === 'wide';
  if (isWide && name !== 'pods') throw usage('the wide form is one of dpuctl pods');
  if (output !== undefined && !['text', 'json', 'wide'].includes(output)) {
    throw usage(`--output takes text, json or wide, not "${safeText(output)}"`);
  }
  return { isJson: json || output === 'json', isWide };
}

function parseWhyPod(target: string, network: string | undefined): CtlCommand {
  const [namespace = '', name = '', ...rest] = target.split('/');
  if (rest.length > 0 || !isNamespaceName(namespace) || !isObjectName(name)) {
    throw usage(`"${safeText(target)}" is not NAMESPACE/NAME of a pod`, 'dpuctl pods lists them.');
  }
  return { kind: 'whyPod', namespace, name, network };
}

function parseWhy(rest: readonly string[], { network }: Values): CtlCommand {
  const [object, name, extra] = rest;
  if (object !== 'pod' && object !== 'port' && object !== 'chain') {
    throw usage(`dpuctl why explains a pod, a port or a chain, not "${safeText(object ?? '')}"`);
  }
  if (name === undefined) throw usage(`dpuctl why ${object} needs the name of one`);
  if (extra !== undefined) throw usage(`unexpected argument "${safeText(extra)}"`);
  if (object === 'pod') return parseWhyPod(name, network);
  if (network !== undefined) throw usage('--network is an option of dpuctl why pod');
  return { kind: 'whyObject', object, name };
}

function parseCommand(name: string, rest: readonly string[], values: Values): CtlCommand {
  if (name === 'why') return parseWhy(rest, values);
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
    case 'pods': {
      const { isWide } = parseOutput(name, values);
      return { kind: 'pods', isWide, isFailingFirst: values['failing-first'] ?? false };
    }
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
  const [name = 'status', ...rest] = positionals;
  const where = { runDir, ovsRunDir: values['ovs-run-dir'] };
  if (values.help) return { ...where, isJson: false, command: { kind: 'help' } };
  refuseStrays(name, values);
  const common = { ...where, isJson: parseOutput(name, values).isJson };
  return { ...common, command: parseCommand(name, rest, values) };
}
