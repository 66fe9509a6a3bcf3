/**
 * A flow of a datapath as plain text and counters, and cheap questions about its texts: which fields it matches on, which
 * actions it has, where it sends packets. A dump has hundreds of thousands of flows, so nothing is taken apart before
 * somebody asks, and no regular expression sees a line. Texts are foreign: no question throws, whatever they hold.
 */

/**
 * One flow, in the shape that the parser of `dpctl/dump-flows -m` gives, so that nothing is copied on the way. Its texts may
 * be slices of a long line: whoever keeps one of them copies it first (`flatCopy`).
 */
export interface DatapathFlow {
  /** Undefined where the dump was made without -m. */
  readonly ufid: string | undefined;
  /** Match with masks, as printed (odp-util.c, odp_flow_format). */
  readonly match: string;
  /** Name of the port that packets come in at; a number where the dump was made without -m; undefined: none printed. */
  readonly inPort: string | undefined;
  /** 0 for the first pass of a packet. */
  readonly recircId: number;
  /** Since the flow was made. On TC software and hardware together. */
  readonly packets: number;
  readonly bytes: number;
  /** Since the last packet, ms, as of the dump. Undefined: never used. */
  readonly usedMs: number | undefined;
  /** What is printed after `offloaded:`. Undefined: not printed. */
  readonly offloaded: 'yes' | 'partial' | undefined;
  /** What is printed after `dp:`, as `ovs`, `tc`, `dpdk`, `doca`, `dummy`. Undefined without -m. */
  readonly layer: string | undefined;
  readonly actions: string;
  /** Text after `dp-extra-info:`. */
  readonly extraInfo: string | undefined;
  /** Text after `dp-offload-info:`: in the datapath's own words why the flow is not in hardware (NVIDIA's releases). */
  readonly offloadInfo: string | undefined;
  /** Thread of the userspace datapath that has the flow. Undefined: the kernel's, or no header was printed. */
  readonly core: number | 'main' | undefined;
}

/** A value with its mask, as printed: `dst=3784/0xff00` has the value `3784` and the mask `0xff00`. */
export interface Masked {
  readonly value: string;
  /** Undefined: an exact match. */
  readonly mask: string | undefined;
}

/** One action, with the text inside its parentheses. */
export interface FlowAction {
  readonly name: string;
  readonly inside: string | undefined;
}

/** A text without anything behind it: a slice keeps all of the text that it was cut from. */
export function flatCopy(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** Index of the parenthesis that closes the one at `open`; the end of the text where none does. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === openSign) depth += 1;
    else if (sign === closeSign) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return text.length;
}

/**
 * The text inside `name(...)` of a match, also within `encap(...)`; undefined when there is none.
 * @param from where to begin, for the next one of the same name
 */
export function matchField(match: string, name: string, from = 0): string | undefined {
  const at = fieldAt(match, name, from);
  return at < 0 ? undefined : match.slice(at + name.length + 1, closing(match, at + name.length));
}

/** A packet has three Ethernet types at most (two tags); the bound is against nonsense. */
const sameFieldsMax = 8;

/** All of them, outermost first. */
export function matchFields(match: string, name: string): readonly string[] {
  const found: string[] = [];
  let at = fieldAt(match, name, 0);
  for (; at >= 0 && found.length < sameFieldsMax; at = fieldAt(match, name, at + name.length)) {
    found.push(match.slice(at + name.length + 1, closing(match, at + name.length)));
  }
  return found;
}

function fieldAt(match: string, name: string, from: number): number {
  const start = `${name}(`;
  for (let at = match.indexOf(start, from); at >= 0; at = match.indexOf(start, at + 1)) {
    if (at === 0) return at;
    const before = match.charCodeAt(at - 1);
    // Inside `encap(` a field follows a parenthesis; `ct_state` must not be found as `state`.
    if (before === comma || before === openSign) return at;
  }
  return -1;
}

/** `0x21/0x3f` apart. */
export function maskedValue(text: string): Masked {
  const slash = text.indexOf('/');
  return slash < 0 ? { value: text, mask: undefined } : { value: text.slice(0, slash), mask: text.slice(slash + 1) };
}

/** `key=value/mask` of the text inside a field; undefined when the key is not there. */
export function subField(inside: string, key: string): Masked | undefined {
  const start = `${key}=`;
  for (let at = inside.indexOf(start); at >= 0; at = inside.indexOf(start, at + 1)) {
    if (at > 0 && inside.charCodeAt(at - 1) !== comma && inside.charCodeAt(at - 1) !== openSign) continue;
    let end = at + start.length;
    while (end < inside.length && inside.charCodeAt(end) !== comma && inside.charCodeAt(end) !== closeSign) end += 1;
    return maskedValue(inside.slice(at + start.length, end));
  }
  return undefined;
}

/** Whether the mask lets every value pass: -m prints fields that do not matter, as `skb_mark(0/0)`. */
export function isWildcard({ mask }: Masked): boolean {
  if (mask === undefined) return false;
  for (let at = 0; at < mask.length; at += 1) {
    const sign = mask.charCodeAt(at);
    // `0`, `0x0`, `0.0.0.0`, `::`, `00:00:00:00:00:00`
    if (sign !== zero && sign !== dot && sign !== colon && sign !== letterX) return false;
  }
  return true;
}

/** Whether a match depends on the field. */
export function matchesOn(match: string, name: string): boolean {
  const inside = matchField(match, name);
  return inside !== undefined && !isWildcard(maskedValue(inside));
}

/** Whether `key` of a field has to be exactly this number. */
export function matchesExactly(inside: string, key: string, value: number): boolean {
  const found = subField(inside, key);
  return found !== undefined && !isWildcard(found) && Number(found.value) === value;
}

/** The outermost actions in their order; parentheses that do not match end in the last one. */
export function flowActions(text: string): readonly FlowAction[] {
  const found: FlowAction[] = [];
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const sign = at === text.length ? comma : text.charCodeAt(at);
    if (sign === openSign) at = closing(text, at);
    if (at < text.length && sign !== comma) continue;
    const part = text.slice(start, at).trim();
    if (part !== '') found.push(actionOf(part));
    start = at + 1;
  }
  return found;
}

function actionOf(text: string): FlowAction {
  const open = text.indexOf('(');
  if (open < 0) return { name: text, inside: undefined };
  return { name: text.slice(0, open), inside: text.slice(open + 1, closing(text, open)) };
}

/** Actions that are printed without parentheses (odp-util.c, format_odp_action); a bare word beside them is a port. */
const bareActions: ReadonlySet<string> = new Set([
  'drop',
  'ct',
  'ct_clear',
  'pop_vlan',
  'pop_eth',
  'pop_nsh',
  'unspec',
  'dec_ttl',
]);

/** Whether an action sends packets to a port; its name is the port's then. */
export function isOutput({ name, inside }: FlowAction): boolean {
  return inside === undefined && !bareActions.has(name) && !name.startsWith('<');
}

/** Actions whose inner actions also send packets. */
const nesting: ReadonlySet<string> = new Set(['clone', 'check_pkt_len', 'gt', 'le', 'sample', 'actions', 'dec_ttl']);

/** How deep actions are looked into; ovs-vswitchd nests clones, and nobody is to make us follow for ever. */
const depthMax = 8;

/**
 * The ports that packets are sent to, each once. A port is a name where the dump was made with -m. Of a tunnel it is the
 * port that the packets leave at, not the tunnel.
 */
export function outputPorts(actions: string): readonly string[] {
  const ports = new Set<string>();
  collectPorts(actions, 0, ports);
  return [...ports];
}

function collectPorts(actions: string, depth: number, ports: Set<string>): void {
  for (const action of flowActions(actions)) {
    if (isOutput(action)) {
      // `sample=50%` and `size=100` are not ports.
      if (!action.name.includes('=')) ports.add(action.name);
    } else if (action.inside !== undefined && nesting.has(action.name) && depth < depthMax) {
      collectPorts(action.inside, depth + 1, ports);
    }
  }
}

const openSign = 0x28;
const closeSign = 0x29;
const comma = 0x2c;
const dot = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const letterX = 0x78;
