/**
 * Reads what ofproto/trace prints: which bridges a packet visits, which flow of which table takes it, what the actions do,
 * and what became of it. The nesting is in the indentation (ofproto-dpif-trace.c): four columns for each resubmission or
 * peer bridge. Knows the form, not the meaning.
 */

/** One action, with what the switch remarked on it. */
export interface TraceAction {
  readonly text: string;
  readonly notes: readonly string[];
}

/** One look-up. */
export interface TraceStep {
  readonly table: number;
  /** As printed; `No match.` where nothing did. */
  readonly rule: string;
  readonly priority: number | undefined;
  /** As printed, `0x…`; undefined where the flow has none. */
  readonly cookie: string | undefined;
  readonly actions: readonly TraceAction[];
}

/** The way through one bridge. */
export interface TraceVisit {
  readonly bridge: string;
  /** Index of the visit, and the action of it, from which the packet came. Undefined: it began here. */
  readonly from: { readonly visit: number; readonly action: string } | undefined;
  readonly steps: readonly TraceStep[];
}

export interface TraceOutput {
  readonly visits: readonly TraceVisit[];
  /** One for each pass through the datapath; `drop` when nothing comes of it. */
  readonly datapath: readonly string[];
}

interface OpenAction {
  readonly text: string;
  readonly notes: string[];
}
interface OpenStep extends Omit<TraceStep, 'actions'> {
  readonly level: number;
  readonly actions: OpenAction[];
}
interface OpenVisit extends Omit<TraceVisit, 'steps'> {
  readonly indent: number;
  readonly index: number;
  readonly steps: OpenStep[];
  /** Look-ups whose actions are not finished, the innermost last. */
  readonly stack: OpenStep[];
}

const ruleForm = /^(\d+)\. (.*)$/;
const titleForm = /^bridge\("(.*)"\)$/;
const noteForm = /^(?:->|>>>>|>>) ?(.*?)(?: ?<<<<)?$/;
const silentLine = /^(?:-+|=+|thaw|Resuming from table \d+|Flow: .*|Final flow: .*|Megaflow: .*|)$/;
/** Of a trace, that nobody reads anyway. */
const visitCountMax = 200;

class Reader {
  readonly visits: OpenVisit[] = [];
  readonly datapath: string[] = [];
  /** The visit under way, and around it those that it interrupts. */
  #nesting: OpenVisit[] = [];
  #last: { readonly visit: OpenVisit; readonly action: OpenAction } | undefined;
  /** The visit that a recirculated packet goes on with. */
  #resumed: OpenVisit | undefined;

  line(raw: string): void {
    const text = raw.trim();
    const indent = raw.length - raw.trimStart().length;
    const datapath = /^Datapath actions: (.*)$/.exec(text)?.[1];
    const title = titleForm.exec(text)?.[1];
    if (datapath !== undefined) this.datapath.push(datapath);
    else if (title !== undefined) this.#title(title, indent);
    else if (text.startsWith('recirc(')) this.#resume();
    else if (!silentLine.test(text)) this.#content(text, indent);
  }

  /** The packet goes on where it was put aside, which the title that follows does not say. */
  #resume(): void {
    this.#resumed = this.visits.findLast(({ steps }) =>
      steps.some(({ actions }) => actions.some(({ notes }) => notes.some((note) => note.includes('will be resumed')))),
    );
    this.#last = undefined;
  }

  #title(bridge: string, indent: number): void {
    this.#nesting = this.#nesting.filter((visit) => visit.indent < indent);
    if (this.visits.length >= visitCountMax) return;
    const last = this.#last;
    const from = last === undefined ? undefined : { visit: last.visit.index, action: last.action.text };
    const name = this.#resumed?.bridge ?? bridge;
    const resumedFrom = this.#resumed === undefined ? from : { visit: this.#resumed.index, action: 'resume' };
    this.#resumed = undefined;
    const index = this.visits.length;
    const visit: OpenVisit = { bridge: name, from: resumedFrom, indent, index, steps: [], stack: [] };
    this.visits.push(visit);
    this.#nesting.push(visit);
  }

  #content(text: string, indent: number): void {
    // A peer bridge that is nested ends with the first line that is not further in than its title.
    while (this.#nesting.length > 1 && indent <= (this.#nesting.at(-1)?.indent ?? 0)) this.#nesting.pop();
    const visit = this.#nesting.at(-1);
    if (visit === undefined) return;
    const rule = ruleForm.exec(text);
    const note = noteForm.exec(text)?.[1];
    if (rule !== null) this.#rule(visit, rule[1] ?? '', rule[2] ?? '', indent);
    else if (note !== undefined) this.#note(visit, note);
    else this.#action(visit, text, indent);
  }

  #rule(visit: OpenVisit, table: string, rule: string, indent: number): void {
    // The number is right-aligned in two columns.
    const level = Math.max(0, indent + table.length - 2);
    const priority = /(?:^|, )priority (\d+)/.exec(rule)?.[1];
    const step: OpenStep = {
      table: Number(table),
      rule,
      priority: priority === undefined ? undefined : Number(priority),
      cookie: /, cookie (0x[0-9a-f]+)/.exec(rule)?.[1],
      level,
      actions: [],
    };
    while ((visit.stack.at(-1)?.level ?? -1) >= level) visit.stack.pop();
    visit.stack.push(step);
    visit.steps.push(step);
  }

  #action(visit: OpenVisit, text: string, indent: number): void {
    while (visit.stack.length > 1 && (visit.stack.at(-1)?.level ?? -1) >= indent) visit.stack.pop();
    const action: OpenAction = { text, notes: [] };
    visit.stack.at(-1)?.actions.push(action);
    this.#last = { visit, action };
  }

  /** A remark on the last action; where there was none, on the look-up. */
  #note(visit: OpenVisit, note: string): void {
    const step = visit.stack.at(-1);
    const action = this.#last?.visit === visit ? this.#last.action : undefined;
    if (action !== undefined) action.notes.push(note);
    else step?.actions.push({ text: '', notes: [note] });
  }
}

/** The trace as data. Lines of an unknown form are taken for actions. */
export function parseTrace(text: string): TraceOutput {
  const reader = new Reader();
  for (const line of text.split('\n')) reader.line(line);
  const visits = reader.visits.map(({ bridge, from, steps }) => ({
    bridge,
    from,
    steps: steps.map(({ table, rule, priority, cookie, actions }) => ({ table, rule, priority, cookie, actions })),
  }));
  return { visits, datapath: reader.datapath };
}
