/** Answers as data: the proto JSON of the message, whole, as JSON or YAML. The names are those of the proto files, and stay. */

import { toJson, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import type { CommandContext } from './command-context.js';

/** Whether the output is to be read by a person. */
export const isForPeople = ({ format }: Pick<CommandContext, 'format'>): boolean =>
  format === 'table' || format === 'wide';

/** The message as plain data; what has its zero value is there too, so that a reader need not know what is left out. */
export function toPlain<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): JsonValue {
  return toJson(desc, message, { alwaysEmitImplicit: true });
}

/** Prints data as JSON, or as YAML where that is wanted. */
export async function printData(context: Pick<CommandContext, 'format' | 'print'>, data: JsonValue): Promise<void> {
  if (context.format !== 'yaml') {
    context.print(`${JSON.stringify(data, undefined, 2)}\n`);
    return;
  }
  const { stringify } = await import('yaml');
  context.print(stringify(data));
}

/** Prints a message as JSON or YAML. */
export function printMessage<Desc extends DescMessage>(
  context: Pick<CommandContext, 'format' | 'print'>,
  desc: Desc,
  message: MessageShape<Desc>,
): Promise<void> {
  return printData(context, toPlain(desc, message));
}

/** Prints items of a stream: lines of JSON, or documents of YAML, each in the form that it has in an answer. */
export async function itemPrinter(
  context: Pick<CommandContext, 'format' | 'print'>,
): Promise<(item: JsonValue) => void> {
  if (context.format !== 'yaml') return (item) => context.print(`${JSON.stringify(item)}\n`);
  const { stringify } = await import('yaml');
  return (item) => context.print(`---\n${stringify(item)}`);
}
