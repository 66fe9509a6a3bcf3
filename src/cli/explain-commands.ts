/** `dpuctl why` and `dpuctl trace`: the agent finds out, these print. */

import { isNamespaceName, isObjectName } from '../attach/nad-key.js';
import {
  ExplainChainResponseSchema,
  ExplainPodResponseSchema,
  ExplainPortResponseSchema,
  ExplainService,
  TraceResponse_Fate,
  TraceResponseSchema,
} from '../gen/proto/dpu/agent/v1/explain_pb.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { formatAccount } from './account-text.js';
import { formatAttachState } from './attach-text.js';
import { exitNotReady } from './command-context.js';
import type { CommandInput, CtlContext } from './command-spec.js';
import { decodeAttach } from './decode.js';
import { isForPeople, printMessage } from './output.js';
import { paintMarks } from './paint.js';
import { usage } from './usage.js';
import { formatExplanation } from './why-text.js';

const optionText = ({ options }: CommandInput, name: string): string => {
  const value = options[name];
  return typeof value === 'string' ? value : '';
};

/** Namespace and name of `NS/NAME`. @throws AgentError USAGE */
export function parsePodName(target: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = '', ...rest] = target.split('/');
  if (rest.length === 0 && isNamespaceName(namespace) && isObjectName(name)) return { namespace, name };
  throw usage(`"${safeText(target)}" is not NAMESPACE/NAME of a pod`, 'dpuctl pods lists them.');
}

export async function whyPod(context: CtlContext, input: CommandInput): Promise<number> {
  const { connection, signal, clock } = context;
  const question = { ...parsePodName(input.args[0] ?? ''), network: optionText(input, 'network') };
  const answer = await connection.service(ExplainService).explainPod(question, { signal });
  const { explanation, attach } = answer;
  if (!isForPeople(context)) await printMessage(context, ExplainPodResponseSchema, answer);
  else if (explanation !== undefined) {
    const nowWallMs = clock.wallMs();
    const head = attach === undefined ? '' : formatAttachState(decodeAttach(attach), nowWallMs);
    context.print(`${head}${paintMarks(formatExplanation(explanation, nowWallMs), context.paint)}`);
  }
  return explanation?.isOk === true ? 0 : exitNotReady;
}

export async function whyPort(context: CtlContext, { args }: CommandInput): Promise<number> {
  const { connection, signal, clock } = context;
  const answer = await connection.service(ExplainService).explainPort({ name: args[0] ?? '' }, { signal });
  const { account, pods } = answer;
  if (!isForPeople(context)) await printMessage(context, ExplainPortResponseSchema, answer);
  else {
    const texts = [
      ...(account === undefined ? [] : [formatAccount(account, clock.wallMs())]),
      ...pods.map((pod) => formatExplanation(pod, clock.wallMs())),
    ];
    context.print(paintMarks(texts.join('\n'), context.paint));
  }
  return account?.isReady === true && pods.every(({ isOk }) => isOk) ? 0 : exitNotReady;
}

export async function whyChain(context: CtlContext, { args }: CommandInput): Promise<number> {
  const { connection, signal, clock } = context;
  const answer = await connection.service(ExplainService).explainChain({ name: args[0] ?? '' }, { signal });
  const { account } = answer;
  if (!isForPeople(context)) await printMessage(context, ExplainChainResponseSchema, answer);
  else if (account !== undefined) context.print(paintMarks(formatAccount(account, clock.wallMs()), context.paint));
  return account?.isReady === true ? 0 : exitNotReady;
}

/** Lines of the agent's text with control characters of nobody. */
const safeLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => safeText(line, 2_000))
    .join('\n');

export async function trace(context: CtlContext, input: CommandInput): Promise<number> {
  const { connection, signal } = context;
  const question = {
    chain: input.args[0] ?? '',
    from: optionText(input, 'from'),
    packet: optionText(input, 'packet'),
  };
  const answer = await connection.service(ExplainService).trace(question, { signal });
  if (isForPeople(context)) context.print(safeLines(answer.text));
  else await printMessage(context, TraceResponseSchema, answer);
  if (answer.fate === TraceResponse_Fate.UNSPECIFIED) {
    throw new AgentError('PEER_PROTOCOL', 'the agent does not say what becomes of the packet');
  }
  return answer.fate === TraceResponse_Fate.DIES ? exitNotReady : 0;
}
