/** Chains as text of the file, for the tests of their rules: one line for each chain, switch and port. */
import { problemLines } from './problems-of.js';

/** A file with bridges `br-sfc`, `br-b` and the observed `br-o`, then these lines of chains. */
export const chainFile = (...lines: readonly string[]): string =>
  ['bridges: [{name: br-sfc}, {name: br-b}, {name: br-o, mode: observe}]', 'chains:', ...lines].join('\n');

/** The text of a chain `c` with switches of these ports; ports are on lines 5 and on, each switch on one more. */
export const chainOf = (...switches: readonly (readonly string[])[]): string =>
  chainFile(
    '  - name: c',
    '    switches:',
    ...switches.flatMap((ports) => ['      - ports:', ...ports.map((port) => `          - {${port}}`)]),
  );

/** The problems of a chain with switches of these ports. */
export const chainProblems = (...switches: readonly (readonly string[])[]): readonly string[] =>
  problemLines(chainOf(...switches));
