/** The parser alone, on lines that are in memory. */
import { FlowDumpParser } from '../../src/unixctl/index.js';
import { median, perSecond, type Section } from '../table.js';
import { dumpPieces } from './dump-text.js';

export function parseLines(flowCount: number, rounds: number): Section {
  const lines = dumpPieces(Math.min(flowCount, 20_000), '\n').flatMap((piece) =>
    piece.toString().trimEnd().split('\n'),
  );
  const rates = Array.from({ length: rounds + 1 }, () => {
    const parser = new FlowDumpParser();
    const startMs = performance.now();
    for (let done = 0; done < flowCount; done += lines.length) for (const line of lines) parser.push(line);
    return (parser.counts.flows * 1000) / (performance.now() - startMs);
  });
  // The first round is the compiler's.
  const rate = median(rates.slice(1));
  return {
    title: `Parsing ${flowCount} lines of dpctl/dump-flows -m in memory, ${rounds} times`,
    lines: [{ what: 'flows', value: perSecond(rate) }],
  };
}
