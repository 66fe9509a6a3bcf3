/** The agent under test, as its parent sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Figures, Question, Versions } from './agent-messages.js';

export class AgentUnderTest {
  readonly #child: ChildProcess;
  #onAnswer: (answer: Answer) => void = () => undefined;
  #onEnd: (error: Error) => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => this.#onAnswer(answer));
    child.once('exit', (code) => this.#onEnd(new Error(`the agent under test ended with ${String(code)}`)));
  }

  /** Resolves when it has read the database. */
  static async start(databaseSocket: string, apiSocket: string, stepCountMax: number): Promise<AgentUnderTest> {
    const script = join(import.meta.dirname, 'agent-child.js');
    const child = fork(script, [databaseSocket, apiSocket, String(stepCountMax)], { stdio: 'inherit' });
    const agent = new AgentUnderTest(child);
    await agent.#next();
    return agent;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  figures(): Promise<Figures> {
    return this.#ask('figures') as Promise<Figures>;
  }

  versions(): Promise<Versions> {
    return this.#ask('versions') as Promise<Versions>;
  }

  async stop(): Promise<void> {
    if (!this.#child.connected) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#onEnd = () => undefined;
    this.#child.disconnect();
    await ended;
  }

  #ask(question: Question): Promise<Answer> {
    const answer = this.#next();
    this.#child.send(question);
    return answer;
  }

  #next(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#onAnswer = resolve;
      this.#onEnd = reject;
    });
  }
}
