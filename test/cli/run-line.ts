/** Runs a command line of dpuctl against a server, as dpuctl does, and keeps what it prints. */

import { connect } from '../../src/cli/api-client.js';
import { parseLine } from '../../src/cli/command-line.js';
import type { CtlContext } from '../../src/cli/command-spec.js';
import { commands } from '../../src/cli/command-table.js';
import { colorPaint, plainPaint } from '../../src/cli/paint.js';
import { systemClock } from '../../src/lib/clock.js';
import type { TestServer } from './grpc-server.js';

/** What time it is for those who print. */
export const nowWallMs = 1_800_000_000_000;

export interface Ran {
  readonly code: number;
  readonly out: string;
}

export interface RunOptions {
  readonly isColored?: boolean;
  readonly isTerminal?: boolean;
  /** Aborted when the person has had enough. */
  readonly signal?: AbortSignal;
  /** Called with each text that is printed. */
  readonly onPrint?: (text: string) => void;
}

/** @throws what the command throws */
export async function runLine(
  server: TestServer,
  args: readonly string[],
  { isColored = false, isTerminal = false, signal = new AbortController().signal, onPrint }: RunOptions = {},
): Promise<Ran> {
  const line = parseLine(commands, args);
  if (line.kind === 'help') throw new Error('only help was asked for');
  const connection = connect({ kind: 'unix', path: server.path }, { clock: systemClock });
  let out = '';
  const context: CtlContext = {
    connection,
    // The call's own deadline is counted from the real clock.
    clock: { ...systemClock, wallMs: () => nowWallMs },
    random: () => 0.5,
    signal,
    format: line.format,
    isTerminal,
    terminalRows: isTerminal ? 24 : undefined,
    paint: isColored ? colorPaint : plainPaint,
    runDir: server.runDir,
    print: (text) => {
      out += text;
      onPrint?.(text);
    },
    warn: () => undefined,
  };
  try {
    return { code: await (await line.command.load())(context, line.input), out };
  } finally {
    connection.close();
  }
}
