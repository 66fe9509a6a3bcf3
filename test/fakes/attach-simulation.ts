/**
 * The loop of the attachments over a simulated world, in rounds: look, plan, links down, one transaction, links up, and then
 * vswitchd and ovn-controller do their part. The loop's own memory (holders, sightings, held ports) is kept as it keeps it.
 */

import type { AttachAction } from '../../src/attach/attach-action.js';
import {
  planAttachments,
  type AttachInput,
  type AttachObserved,
  type AttachPlan,
} from '../../src/attach/plan-attach.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedPort } from '../../src/model/observed.js';
import type { PodView } from '../../src/model/pod.js';
import { countSightings, ripeCandidates, type GraceByCause, type Sightings } from '../../src/plan/sightings.js';
import { inputOf, worldOf } from './attach-inputs.js';
import { applyAttach, applyLinks, settleSwitch } from './attach-world.js';

/** Rounds are one unit of time apart. A pod that is merely missing stays for five. */
const grace: GraceByCause = {
  orphan: { sightings: 2, ms: 1 },
  deviceGone: { sightings: 2, ms: 1 },
  deviceRecreated: { sightings: 2, ms: 1 },
  podMissing: { sightings: 2, ms: 5 },
};

/** What one round saw and did. */
export interface Round {
  readonly input: AttachInput;
  readonly plan: AttachPlan;
}

export class AttachSimulation {
  observed: AttachObserved;
  readonly pods = new Map<string, PodView>();
  readonly deleted = new Set<string>();
  readonly rounds: Round[] = [];
  /** Fields of the input that the test sets. */
  fields: Partial<AttachInput> = {};
  #holders: ReadonlyMap<string, string> = new Map();
  #held: ReadonlySet<string> = new Set();
  #sightings: Sightings = new Map();
  #now = 0;

  constructor(observed: AttachObserved = worldOf(), pods: readonly PodView[] = []) {
    this.observed = observed;
    this.put(...pods);
  }

  /** Adds the pods, or another reading of them. */
  put(...pods: readonly PodView[]): this {
    for (const pod of pods) this.pods.set(pod.uid, pod);
    return this;
  }

  /** A pod is gone, and its DELETED event was seen. */
  remove(uid: string): this {
    this.pods.delete(uid);
    this.deleted.add(uid);
    return this;
  }

  /** A pod is in the list no more. */
  miss(uid: string): this {
    this.pods.delete(uid);
    return this;
  }

  /** The agent forgets all that it only remembered. */
  restart(): this {
    this.#holders = new Map();
    this.#held = new Set();
    this.#sightings = new Map();
    this.deleted.clear();
    return this;
  }

  setPort(port: ObservedPort): this {
    return this.#set({ ports: new Map([...this.observed.ports, [port.name, port]]) });
  }

  /** Somebody else changes the row. */
  changePort(name: string, change: (port: ObservedPort) => ObservedPort): this {
    return this.setPort(change(this.port(name)));
  }

  dropPort(name: string): this {
    const ports = new Map(this.observed.ports);
    ports.delete(name);
    return this.#set({ ports });
  }

  setNetdev(netdev: Netdev): this {
    return this.#set({ netdevs: new Map([...this.observed.netdevs, [netdev.name, netdev]]) });
  }

  dropNetdev(name: string): this {
    const netdevs = new Map(this.observed.netdevs);
    netdevs.delete(name);
    return this.#set({ netdevs });
  }

  #set(change: Partial<AttachObserved>): this {
    this.observed = { ...this.observed, ...change };
    return this;
  }

  port(name: string): ObservedPort {
    const found = this.observed.ports.get(name);
    if (found === undefined) throw new Error(`no port ${name}`);
    return found;
  }

  /** external_ids of the port's interface. */
  ids(name: string): Readonly<Record<string, string>> {
    const main = this.port(name).interfaces.find((entry) => entry.name === name);
    return Object.fromEntries(main?.externalIds ?? []);
  }

  #input(): AttachInput {
    const own = { deleted: new Set(this.deleted), holders: this.#holders, held: this.#held };
    return inputOf([...this.pods.values()], this.observed, { ...own, ...this.fields });
  }

  /** Looks and plans, and does nothing. */
  look(): Round {
    const input = this.#input();
    const first = planAttachments(input);
    this.#sightings = countSightings(this.#sightings, first.candidates, this.#now);
    const ripe = ripeCandidates(this.#sightings, first.candidates, grace, this.#now);
    const ripened = { ...input, ripe };
    return { input: ripened, plan: planAttachments(ripened) };
  }

  /** One round. @param count of the actions, the first that are carried out: a batch is bounded */
  step(count = Infinity): Round {
    const round = this.look();
    this.#now += 1;
    const actions = round.plan.actions.slice(0, count);
    const leaving = new Set(actions.filter(({ kind }) => kind === 'detach').map(({ port }) => port));
    this.observed = applyLinks(
      this.observed,
      round.plan.linksDown.filter(({ name }) => leaving.has(name)),
    );
    this.observed = applyAttach(this.observed, actions, this.#now);
    this.observed = settleSwitch(applyLinks(this.observed, round.plan.linksUp));
    this.#holders = round.plan.holders;
    this.#held = leaving;
    this.rounds.push(round);
    return round;
  }

  /** Rounds until there is nothing left to do and nothing to wait for; the last one. @throws when it takes too many */
  settle(roundsMax = 16): Round {
    for (let index = 0; index < roundsMax; index += 1) {
      const { plan, input } = this.step();
      const isIdle = plan.actions.length === 0 && plan.linksUp.length === 0 && plan.candidates.length === 0;
      if (isIdle && input.held.size === 0) return this.look();
    }
    const done = this.rounds.slice(-roundsMax).map(({ plan }) => JSON.stringify(plan.actions.map(shortOf)));
    throw new Error(`does not converge:\n${done.join('\n')}`);
  }

  /** All actions that were carried out, `attach pf0vf1`. */
  done(): readonly string[] {
    return this.rounds.flatMap(({ plan }) => plan.actions.map(shortOf));
  }
}

function shortOf(action: AttachAction): string {
  return `${action.kind} ${action.kind === 'dropQos' ? action.uuid : action.port}`;
}
