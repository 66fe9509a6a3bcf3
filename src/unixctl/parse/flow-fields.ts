/**
 * Takes the match or the actions of a datapath flow apart, at their outermost commas: `recirc_id(0),in_port(3)` and
 * `push_vlan(vid=7,pcp=0),5`. For the few flows that somebody looks at closely; `FlowDumpParser` does not need it.
 */

export interface FlowField {
  /** `in_port`, `ct`, or a port of the actions. */
  readonly name: string;
  /** Text between the outermost parentheses; undefined without any. */
  readonly inside: string | undefined;
}

/** The fields in their order. Parentheses that do not match end in the last field. */
export function flowFields(text: string): readonly FlowField[] {
  const fields: FlowField[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const sign = text[at];
    if (sign === '(' || sign === '{') depth += 1;
    else if (sign === ')' || sign === '}') depth -= 1;
    else if (at === text.length || (sign === ',' && depth === 0)) {
      if (at > start) fields.push(field(text.slice(start, at)));
      start = at + 1;
    }
  }
  return fields;
}

function field(text: string): FlowField {
  const open = text.indexOf('(');
  if (open < 0) return { name: text, inside: undefined };
  return { name: text.slice(0, open), inside: text.slice(open + 1, text.endsWith(')') ? -1 : undefined) };
}
