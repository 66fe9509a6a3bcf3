import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { formatEffective } from '../../src/config/effective.js';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError, formatProblems } from '../../src/config/problem.js';
import { AgentError } from '../../src/lib/errors.js';
import { arbitraryConfig } from './arbitrary-config.js';
import { problemsIn } from './problems-of.js';

describe('loadConfig', () => {
  it('gives the documented defaults for an empty file', () => {
    const { config, origins } = loadConfig({ text: '' });
    expect(config).toEqual({
      ovsdb: { endpoints: ['unix:/run/openvswitch/db.sock'] },
      ovs: { runDir: '/run/openvswitch' },
      representors: { finder: 'switchdev', root: '/' },
      agent: {
        owner: 'dpu-node-agent',
        stateDir: '/var/lib/dpu-node-agent',
        runDir: '/run/dpu-node-agent',
        coalesceMs: 20,
        fullResyncMs: 60_000,
        orphanGraceMs: 60_000,
        orphanSightings: 2,
        bootGraceMs: 0,
        repair: 'on',
      },
      log: { level: 'info', format: 'json' },
      attach: {
        mode: 'off',
        bridge: 'br-int',
        ovnInstalled: 'require',
        functionMac: 'require',
        reserved: [],
        resourceNames: [],
        waitMs: 110_000,
        goneGraceMs: 30_000,
        statusConcurrency: 8,
        lease: { namespace: 'ovn-kubernetes', renewMs: 10_000, durationS: 40, holder: 'ovnkube-dpu-node' },
      },
      api: {
        grpc: { mode: 'on', listen: [], grants: [], reflection: true, controllerLossMs: 60_000 },
        http: { mode: 'on', listen: '127.0.0.1:9480' },
        metrics: { representors: true, podLabels: true, representorsMax: 2_048 },
      },
      offload: {
        mode: 'apply',
        settings: {},
        flows: 'auto',
        exporterPort: 6_103,
        expect: { vfs: [], cards: [] },
        bootGraceMs: 300_000,
        thresholds: {
          ratioMin: 0.9,
          ratioPacketsMin: 10_000,
          connectionsFillMax: 0.9,
          heapFillMax: 0.9,
          hugePageBytesMin: 536_870_912,
          memoryAvailableBytesMin: 268_435_456,
          residentGrowthBytesPerHourMax: 67_108_864,
          restoreWaitMsMax: 60_000,
          staleMsMin: 300_000,
          tunnelOverheadBytes: 58,
        },
      },
      bridges: [],
      chains: [],
    });
    expect(new Set(origins.values())).toEqual(new Set(['default']));
  });

  it('reads a file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'load-'));
    try {
      const file = join(directory, 'config.yaml');
      writeFileSync(file, 'bridges: [{name: br-int}]\n');
      expect(loadConfig({ file }).config.bridges.map(({ name }) => name)).toEqual(['br-int']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('says that a file cannot be read, and that a retry may help', () => {
    const load = (): unknown => loadConfig({ file: '/nonexistent/config.yaml' });
    expect(load).toThrow(AgentError);
    expect(load).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE', canRetry: true }));
  });

  it('lets the environment override the file, and flags override both', () => {
    const text = 'log: {level: warn, format: pretty}\nagent: {owner: file}\n';
    const env = { DPU_AGENT_LOG_LEVEL: 'debug', DPU_AGENT_OWNER: 'env', HOME: '/' };
    const { config, origins } = loadConfig({ text, env, sets: ['agent.owner=flag'] });
    expect(config.log).toEqual({ level: 'debug', format: 'pretty' });
    expect(config.agent.owner).toBe('flag');
    expect(origins.get('log.level')).toBe('env:DPU_AGENT_LOG_LEVEL');
    expect(origins.get('log.format')).toBe('file:1');
    expect(origins.get('agent.owner')).toBe('flag');
    expect(origins.get('agent.repair')).toBe('default');
  });

  it('reports problems of single values, of contradictions, of the environment and of flags together, by line', () => {
    const text = [
      'bridges:',
      '  - name: br-a',
      '    ports:',
      '      - {name: p, kind: system, ofport: 1}',
      '      - {name: p, kind: system, ofport: 1}',
      '    failmode: secure',
      'log: {level: loud}',
    ].join('\n');
    const problems = problemsIn({ text, env: { DPU_AGENT_REPAIR: 'off' }, sets: ['x=1'] });
    expect(problems.map(({ path, origin }) => `${origin} ${path}`)).toEqual([
      'file:5 bridges[0].ports[1].name',
      'file:5 bridges[0].ports[1].ofport',
      'file:6 bridges[0].failmode',
      'file:7 log.level',
      'env:DPU_AGENT_REPAIR agent.repair',
      'flag x',
    ]);
  });

  it('still checks the environment when the file is no YAML', () => {
    const origins = problemsIn({ text: 'a: [', env: { DPU_AGENT_LOG_LEVL: 'x' } }).map(({ origin }) => origin);
    expect(origins).toEqual(['file:1', 'env:DPU_AGENT_LOG_LEVL']);
  });

  it('refuses text that is larger than a ConfigMap', () => {
    const [problem] = problemsIn({ text: `#${'é'.repeat(600_000)}` });
    expect(problem?.message).toContain('larger than 1048576 bytes');
  });

  it('loads what a random valid file says, and loads the configuration in effect to the same again', () => {
    fc.assert(
      fc.property(arbitraryConfig, (plain) => {
        const first = loadConfig({ text: stringify(plain) });
        const shown = formatEffective(first.config, first.origins);
        const second = loadConfig({ text: shown });
        expect(second.config).toEqual(first.config);
        expect(first.config.bridges.map(({ name }) => name)).toEqual(
          (plain['bridges'] as { name: string }[]).map(({ name }) => name),
        );
        expect(first.config.chains.map(({ name }) => name)).toEqual(
          (plain['chains'] as { name: string }[]).map(({ name }) => name),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('answers every corruption with problems that each name a path, never with another error', () => {
    const noise = fc.oneof(
      fc.constantFrom(
        '\t',
        '[',
        '{',
        ']',
        '}',
        ': ',
        '- ',
        '&a ',
        '*a',
        '!!x ',
        '"',
        "'",
        '? ',
        '|\n',
        '---\n',
        '\0',
        '\ud800',
        '<<: ',
      ),
      fc.string({ maxLength: 6 }),
    );
    const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(12), insert: noise });
    fc.assert(
      fc.property(arbitraryConfig, fc.array(edit, { minLength: 1, maxLength: 4 }), (plain, edits) => {
        const text = edits.reduce((t, { at, cut, insert }) => {
          const from = Math.floor(at * t.length);
          return t.slice(0, from) + insert + t.slice(from + cut);
        }, stringify(plain));
        for (const { path, message } of problemsIn({ text })) {
          expect(path).not.toBe('');
          expect(message).not.toBe('');
        }
      }),
      { numRuns: 120 },
    );
  });

  it('answers any value at any key with problems, never with another error', () => {
    const value = fc.oneof(
      fc.anything({ maxDepth: 2 }).map((v) => JSON.stringify(v)),
      fc.string(),
    );
    const where = fc.constantFrom(
      'bridges',
      'bridges[0]',
      'bridges[0].ports',
      'bridges[0].ports[0]',
      'bridges[0].ports[0].peer',
      'ovsdb',
      'log.level',
      'chains',
      'chains[0]',
      'chains[0].switches',
      'chains[0].switches[0].ports[0]',
      'chains[0].switches[0].ports[1].labels',
      'chains[0].switches[0].ports[1].vlan.tag',
      'hostCluster',
      'hostCluster.server',
      'hostCluster.caData',
      'attach',
      'attach.pools',
      'attach.pools[0].vfs',
      'attach.reserved[0]',
      'attach.lease.durationS',
    );
    const ports = '[{kind: uplink, uplink: 0}, {kind: labels, labels: {a: b}, vlan: {kind: tagged, tag: 1}}]';
    const text = [
      'hostCluster: {server: "https://h", tokenFile: /t, caFile: /c}',
      'attach: {pools: [{pf: 0, vfs: 0-3}], reserved: [{vf: 0}]}',
      'bridges: [{name: br0, ports: [{name: p, kind: system}]}]',
      `chains: [{name: c, bridge: br0, switches: [{ports: ${ports}}]}]`,
    ].join('\n');
    fc.assert(
      fc.property(where, value, (path, v) => {
        try {
          loadConfig({ text, sets: [`${path}=${v}`] });
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConfigError);
          expect(formatProblems(thrown as ConfigError, 'f')).toContain('nothing was changed');
        }
      }),
      { numRuns: 100 },
    );
  });
});
