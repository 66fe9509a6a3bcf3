/** `dpuctl why pod`: explains a pod from what the agent shows, and asks the switch how many flows name its port. */

import { explainPod, flowQuestions } from '../attach/explain.js';
import type { ExplainInput, Explanation, FlowCount } from '../attach/ladder.js';
import type { PodFacts } from '../attach/attachment-view.js';
import type { AgentStatus } from '../agent/status.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import { safeText } from '../lib/text.js';
import { usage } from './arguments.js';
import { attachOf, type PodsContent } from './read-pods.js';
import { SwitchLook } from './switch-look.js';

export interface PodQuestion {
  readonly namespace: string;
  readonly name: string;
  readonly network: string | undefined;
}

/** Whether a person who typed `asked` may have meant `name`: one of them goes on where the other ends, or one letter is off. */
function isNear(asked: string, name: string): boolean {
  if (name.startsWith(asked) || asked.startsWith(name)) return true;
  if (Math.abs(asked.length - name.length) > 1) return false;
  let start = 0;
  while (start < asked.length && asked[start] === name[start]) start += 1;
  const rests = [asked.slice(start), name.slice(start)] as const;
  return [0, 1].some((cut) => rests[0].slice(cut) === rests[1].slice(1) || rests[0].slice(1) === rests[1].slice(cut));
}

/** Pods of the node whose name is the same or near. */
export function similarPods({ namespace, name }: PodQuestion, pods: readonly PodFacts[]): readonly string[] {
  return pods
    .filter((pod) => pod.name === name || (pod.namespace === namespace && isNear(name, pod.name)))
    .map((pod) => `${pod.namespace}/${pod.name}`)
    .sort();
}

/** A name stands for one pod at a time; while it is made anew, the one that is going is still listed. */
export function findPod({ namespace, name }: PodQuestion, pods: readonly PodFacts[]): PodFacts | undefined {
  const found = pods.filter((pod) => pod.namespace === namespace && pod.name === name);
  return found.find(({ isDeleting, isTerminal }) => !isDeleting && !isTerminal) ?? found[0];
}

/** @throws AgentError USAGE when the pod has no such network */
function checkNetwork({ network }: PodQuestion, facts: PodFacts | undefined): void {
  if (network === undefined || facts === undefined) return;
  const known = [...new Set([...facts.attachments.map(({ nadKey }) => nadKey), ...facts.addressed])].sort();
  if (known.includes(network) || known.length === 0) return;
  throw usage(
    `the pod has no network "${safeText(network)}"`,
    `It has: ${known.map((nadKey) => safeText(nadKey, 512)).join(', ')}.`,
  );
}

/** The flows of each port in question; a switch that does not answer is no reason to say nothing. */
async function askFlows(
  questions: ReadonlyMap<string, number>,
  bridge: string,
  ovsRunDir: string,
  clock: Clock,
): Promise<ReadonlyMap<string, FlowCount>> {
  const answers = new Map<string, FlowCount>();
  if (questions.size === 0) return answers;
  const look = new SwitchLook(ovsRunDir, clock);
  try {
    for (const [device, ofport] of questions) {
      const counts = await look.countFlows(bridge, ofport);
      answers.set(device, { kind: 'counted', ...counts, wallMs: clock.wallMs() });
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    for (const device of questions.keys()) {
      if (!answers.has(device)) answers.set(device, { kind: 'notAsked', message: error.message });
    }
  } finally {
    look.close();
  }
  return answers;
}

/**
 * Explains the pod.
 * @throws AgentError USAGE when it has no such network, NOT_CONNECTED when the agent does not look at pods
 */
export async function explain(
  status: AgentStatus,
  { pods }: PodsContent,
  question: PodQuestion,
  ovsRunDir: string,
  clock: Clock,
): Promise<Explanation> {
  const facts = findPod(question, pods);
  checkNetwork(question, facts);
  const { namespace, name, network } = question;
  const attach = attachOf(status);
  const input: ExplainInput = {
    namespace,
    name,
    facts,
    attach,
    network,
    nowWallMs: clock.wallMs(),
    similar: facts === undefined ? similarPods(question, pods) : [],
    ovsRunDir,
  };
  const bridge = input.attach.bridge;
  const flows = await askFlows(flowQuestions(input), bridge, ovsRunDir, clock);
  return explainPod({ ...input, flows });
}
