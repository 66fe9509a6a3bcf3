import { describe, expect, it } from 'vitest';
import { chainFile } from './chain-text.js';
import { problemLines, problemsIn } from './problems-of.js';

const ports = 'ports: [{kind: uplink, uplink: 0}, {kind: uplink, uplink: 1}]';
const switches = `switches: [{${ports}}]`;

const chains = (...list: readonly string[]): readonly string[] =>
  problemLines(chainFile(...list.map((chain) => `  - {${chain}}`)));

describe('rules of chains', () => {
  it('want every name once', () => {
    expect(chains(`name: a, ${switches}`, `name: b, ${switches}`, `name: a, ${switches}`)).toEqual([
      '5 chains[2].name: "a" is already given at chains[0].name',
    ]);
  });

  it('want a bridge that is declared, and name the nearest', () => {
    const [problem, ...others] = problemsIn({ text: chainFile(`  - {name: a, bridge: br-sfx, ${switches}}`) });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      path: 'chains[0].bridge',
      line: 3,
      message: 'bridge "br-sfx" is not declared',
      remedy: 'Did you mean "br-sfc"? Declare bridge "br-sfx" too; with mode share when it is somebody else\'s.',
    });
  });

  it('say at the chain that the default bridge is not declared', () => {
    expect(problemLines(`chains: [{name: a, ${switches}}]`)).toEqual(['1 chains[0]: bridge "br-sfc" is not declared']);
  });

  it('refuse a bridge that is only observed, or cannot be one', () => {
    expect(chains(`name: a, bridge: br-o, ${switches}`, `name: b, bridge: a/b, ${switches}`)).toEqual([
      '3 chains[0].bridge: bridge "br-o" has mode observe, so it cannot be given flows',
      expect.stringMatching(/^4 chains\[1\]\.bridge: the name "a\/b" has the character "\/"/),
    ]);
  });

  it('want other tenants, and each once', () => {
    expect(chains(`name: a, tenant: red, joinsTenants: [blue, red, blue], ${switches}`)).toEqual([
      '3 chains[0].joinsTenants[1]: "red" is the tenant of the chain itself',
      '3 chains[0].joinsTenants[2]: tenant "blue" is given twice',
    ]);
  });

  it('want switch names once in a chain, those by place included', () => {
    const second = 'ports: [{kind: uplink, uplink: 2}, {kind: uplink, uplink: 3}]';
    expect(chains(`name: a, switches: [{name: x, ${ports}}, {name: x, ${second}}]`)).toEqual([
      '3 chains[0].switches[1].name: "x" is already given at chains[0].switches[0].name',
    ]);
    expect(chains(`name: a, switches: [{name: 2, ${ports}}, {${second}}]`)).toEqual([
      '3 chains[0].switches[0].name: "2" is what the switch at that place is called',
    ]);
    expect(chains(`name: a, switches: [{${ports}}, {name: 2, ${second}}]`)).toEqual([]);
    expect(chains(`name: a, switches: [{name: x, ${ports}}]`, `name: b, switches: [{name: x, ${ports}}]`)).toEqual([]);
  });
});
