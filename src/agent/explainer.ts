/**
 * Answers `why` and `trace`: reads what the agent knows, and asks the switch only what the agent does not keep. A switch that
 * does not answer is no reason to say nothing of a pod; for a trace it is the one who has to answer.
 */

import type { PodFacts } from '../attach/attachment-view.js';
import { explainPod, flowQuestions } from '../attach/explain.js';
import { findPod, networksOn, requireNetwork, similarPods } from '../attach/find-pod.js';
import type { AttachSummary, ExplainInput, Explanation, FlowCount } from '../attach/ladder.js';
import type { OffloadTarget } from '../attach/look-commands.js';
import { offloadRungs } from '../attach/offload-rungs.js';
import type { ChainView } from '../chain/chain-view.js';
import { countChain, type LookedBridge } from '../chain/count-chain.js';
import { answerHops } from '../chain/trace/answer.js';
import { defaultPacket, parsePacket } from '../chain/trace/packet.js';
import { findStart } from '../chain/trace/start.js';
import { formatTrace } from '../chain/trace/text.js';
import { walkChain, type TraceSource } from '../chain/trace/walk.js';
import type { Clock } from '../lib/clock.js';
import { AgentError } from '../lib/errors.js';
import type { ObservedPort } from '../model/observed.js';
import type {
  ChainLookAnswer,
  Explainer,
  JournalSource,
  ObjectAccount,
  OffloadSource,
  PodQuestion,
  StatusSource,
  TraceAnswer,
  TraceQuestion,
} from './api-view.js';
import { accountOf, chainConditionsOf, requireChain } from './object-account.js';
import { offloadLook, offloadLooks } from './offload-look.js';
import type { AgentStatus } from './status.js';

/** How many flows of a bridge name a port. */
export interface FlowCounter {
  /** @throws AgentError when the bridge does not answer */
  count(
    bridge: string,
    ofport: number,
    signal: AbortSignal,
  ): Promise<{ readonly taking: number; readonly sending: number }>;
}

/** Asks vswitchd what it would do with packets. */
export interface PacketTracer {
  /**
   * Calls `use` with what answers; several at a time wait for each other.
   * @throws AgentError when vswitchd does not answer
   */
  run<T>(signal: AbortSignal, use: (source: TraceSource) => Promise<T>): Promise<T>;
}

/** What the bridges of a chain count. */
export interface LookedChain {
  /** Milliseconds since 1970 UTC. */
  readonly wallMs: number;
  /** Those that answered. */
  readonly bridges: ReadonlyMap<string, LookedBridge>;
  /** Why the others did not, one sentence each. */
  readonly problems: readonly string[];
}

/** Reads the counters of a chain; a bridge that does not answer is no error. */
export interface ChainLooker {
  look(chain: ChainView): Promise<LookedChain>;
}

export interface ExplainerDeps {
  readonly status: StatusSource;
  readonly journal: Pick<JournalSource, 'tail'>;
  readonly flows: FlowCounter;
  readonly tracer: PacketTracer;
  readonly looker: ChainLooker;
  /** Where packets are processed; absent: nobody looks at offload. */
  readonly offload?: Pick<OffloadSource, 'rows'>;
  /** A port as it is in the database, by its name. */
  readonly observedPort: (name: string) => ObservedPort | undefined;
  readonly clock: Clock;
}

/** Changes among which those are looked for that name an object. */
const journalReadMax = 1_000;
/** Pods of one port that are explained: a port has one pod, but several may want it. */
const podsOfPortMax = 20;
/** For all questions of one answer to the switch, ms: who asks is a person. */
const explainMsMax = 5_000;
const traceMsMax = 20_000;

export class AgentExplainer implements Explainer {
  readonly #deps: ExplainerDeps;

  constructor(deps: ExplainerDeps) {
    this.#deps = deps;
  }

  async pod(
    question: PodQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly explanation: Explanation; readonly attach: AttachSummary }> {
    const status = this.#status();
    const attach = attachOf(status);
    const explanation = await this.#within(explainMsMax, signal, (limit) => this.#explain(status, question, limit));
    return { explanation, attach };
  }

  async port(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly account: ObjectAccount; readonly pods: readonly Explanation[] }> {
    const status = this.#status();
    const questions = status.attach === undefined ? [] : networksOn(name, this.#deps.status.pods());
    const seen = this.#deps.observedPort(name);
    const account = this.#withOffload(accountOf(status, this.#journal(), 'port', name, questions.length > 0, seen), {
      kind: 'port',
      name,
    });
    const pods = await this.#within(explainMsMax, signal, async (limit) => {
      const explanations: Explanation[] = [];
      for (const question of questions.slice(0, podsOfPortMax)) {
        explanations.push(await this.#explain(status, question, limit));
      }
      return explanations;
    });
    return { account, pods };
  }

  chain(name: string): ObjectAccount {
    return this.#withOffload(accountOf(this.#status(), this.#journal(), 'chain', name), { kind: 'chain', name });
  }

  async lookAtChain(name: string): Promise<ChainLookAnswer> {
    const chain = requireChain(this.#status(), name);
    const { wallMs, bridges, problems } = await this.#deps.looker.look(chain);
    return { wallMs, problems, ...countChain(chain, bridges) };
  }

  async trace({ chain: name, from, packet: text }: TraceQuestion, signal: AbortSignal): Promise<TraceAnswer> {
    const status = this.#status();
    const packet = text === undefined ? defaultPacket : parsePacket(text);
    const chain = requireChain(status, name);
    const start = findStart(chain, from);
    const result = await this.#within(traceMsMax, signal, (limit) =>
      this.#deps.tracer.run(limit, (source) => walkChain(chain, packet, source, start.switch, start.port)),
    );
    return {
      fate: result.fate,
      hops: answerHops(chain, result.hops),
      text: formatTrace(chain, packet, result, chainConditionsOf(status, chain)),
    };
  }

  #status(): AgentStatus {
    const status = this.#deps.status.current();
    if (status !== undefined) return status;
    throw new AgentError('NOT_CONNECTED', 'the agent has not looked yet', { remedy: 'Wait a moment and ask again.' });
  }

  #journal() {
    return this.#deps.journal.tail(journalReadMax);
  }

  /** Gives up after `msMax`, or when nobody waits any more. */
  async #within<T>(msMax: number, signal: AbortSignal, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const timer = this.#deps.clock.after(msMax, () => late.abort(), true);
    try {
      return await work(AbortSignal.any([signal, late.signal]));
    } catch (cause) {
      // The caller has not given up: it is the agent's own patience that has ended.
      if (!late.signal.aborted || signal.aborted) throw cause;
      const remedy = 'See whether ovs-vswitchd is busy (ovs-appctl upcall/show), and ask again.';
      throw new AgentError('DEADLINE_EXCEEDED', `the switch did not answer within ${msMax} ms`, { cause, remedy });
    } finally {
      timer.cancel();
    }
  }

  async #explain(status: AgentStatus, question: PodQuestion, signal: AbortSignal): Promise<Explanation> {
    const attach = attachOf(status);
    const pods = this.#deps.status.pods();
    const facts = findPod(question, pods);
    requireNetwork(question.network, facts);
    const { namespace, name, network } = question;
    const input: ExplainInput = {
      namespace,
      name,
      facts,
      attach,
      network,
      nowWallMs: this.#deps.clock.wallMs(),
      similar: facts === undefined ? similarPods(question, pods) : [],
      ovsRunDir: status.ovsRunDir,
    };
    const flows = await this.#askFlows(flowQuestions(input), attach.bridge, signal);
    return explainPod({ ...input, flows, offload: this.#askOffload(facts) });
  }

  #withOffload(account: ObjectAccount, target: OffloadTarget & { readonly kind: 'port' | 'chain' }): ObjectAccount {
    const offload = offloadLook(this.#deps.offload?.rows() ?? [], `${target.kind}/${target.name}`);
    return offload === undefined ? account : { ...account, rungs: offloadRungs(offload, target) };
  }

  #askOffload(facts: PodFacts | undefined): ExplainInput['offload'] {
    if (facts === undefined) return undefined;
    const nadKeys = facts.attachments.map(({ nadKey }) => nadKey);
    return offloadLooks(this.#deps.offload?.rows() ?? [], facts, nadKeys);
  }

  /** The flows of each port in question; where the switch does not answer, that is said instead. */
  async #askFlows(
    questions: ReadonlyMap<string, number>,
    bridge: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FlowCount>> {
    const answers = new Map<string, FlowCount>();
    try {
      for (const [device, ofport] of questions) {
        const counts = await this.#deps.flows.count(bridge, ofport, signal);
        answers.set(device, { kind: 'counted', ...counts, wallMs: this.#deps.clock.wallMs() });
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      for (const device of questions.keys()) {
        if (!answers.has(device)) answers.set(device, { kind: 'notAsked', message: error.message });
      }
    }
    return answers;
  }
}

/** What the loop of the pods says. @throws AgentError NOT_CONNECTED when the agent has no such loop */
function attachOf({ attach }: AgentStatus): NonNullable<AgentStatus['attach']> {
  if (attach !== undefined) return attach;
  throw new AgentError('NOT_CONNECTED', 'the agent does not look at the pods of a host cluster', {
    remedy: 'Set hostCluster, and attach.mode to observe or attach; just after a start, wait a moment.',
  });
}
