import { describe, expect, it } from 'vitest';
import { formatEffective } from '../../src/config/effective.js';
import { loadConfig } from '../../src/config/load.js';

const show = (text: string): string => {
  const { config, origins } = loadConfig({ text, sets: ['log.level=debug'] });
  return formatEffective(config, origins);
};

describe('formatEffective', () => {
  it('comments every value with its origin', () => {
    const shown = show('bridges:\n  - name: br-int\n    protocols: [OpenFlow13, OpenFlow15]\n');
    expect(shown).toContain('  level: debug # flag\n');
    expect(shown).toContain('  format: json # default\n');
    expect(shown).toContain('  - name: br-int # file:2\n');
    expect(shown).toContain('    protocols: [ OpenFlow13, OpenFlow15 ] # file:3\n');
    expect(shown).toContain('    ports: [] # default\n');
  });

  it('shows chains with the origin of each value, and without secrets', () => {
    const ports = '[{kind: uplink, uplink: 0}, {kind: labels, labels: {token: hunter2, app: fw}}]';
    const shown = show(`bridges: [{name: br-sfc}]\nchains:\n  - name: c\n    switches: [{ports: ${ports}}]\n`);
    expect(shown).toContain('  - name: c # file:3\n    bridge: br-sfc # default\n');
    expect(shown).toContain('    ageingSeconds: 300 # default\n');
    expect(shown).toContain('          - kind: uplink # file:4\n            uplink: 0 # file:4\n');
    expect(shown).toContain('              token: "(redacted)" # file:4\n              app: fw # file:4\n');
    expect(shown).not.toContain('hunter2');
  });

  it('blots out secrets', () => {
    const shown = show('bridges: [{name: a, ports: [{name: p, kind: system, options: {psk: hunter2, x: shown}}]}]');
    expect(shown).not.toContain('hunter2');
    expect(shown).toContain('psk: "(redacted)" # file:1');
    expect(shown).toContain('x: shown # file:1');
  });

  it('shows the paths of the files of the host cluster, and what can be loaded again', () => {
    const text =
      'hostCluster: {server: "https://h", tokenFile: /run/token, caFile: /c}\nattach: {pools: [{pf: 0, vfs: "4,0-3"}]}';
    const shown = show(text);
    expect(shown).toContain('  tokenFile: /run/token # file:1\n');
    expect(shown).toContain('    - pf: 0 # file:2\n      vfs: 0-4 # file:2\n');
    expect(shown).toContain('  mode: observe # default\n');
    expect(loadConfig({ text: shown }).config).toEqual({
      ...loadConfig({ text }).config,
      log: { level: 'debug', format: 'json' },
    });
  });

  it('quotes text that could be taken for something else, or for several lines', () => {
    const shown = show('bridges: [{name: a, otherConfig: {a: "true", b: "1e3", c: "x\\ny", d: "# no comment"}}]');
    expect(loadConfig({ text: shown }).config.bridges[0]?.otherConfig).toEqual({
      a: 'true',
      b: '1e3',
      c: 'x\ny',
      d: '# no comment',
    });
    expect(shown).toContain('c: "x\\ny" # file:1');
  });
});
