import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { environmentVariables } from '../../src/config/overrides.js';
import { problemsIn } from './problems-of.js';

const two = 'bridges:\n  - {name: br-a, ports: [{name: p0, kind: system}]}\n  - {name: br-b}\n';

const withSets = (...sets: readonly string[]) => loadConfig({ text: two, sets }).config;

describe('environment', () => {
  it('has a variable for every single value outside bridges and chains', () => {
    const names = [...environmentVariables().keys()];
    expect(names).toContain('DPU_AGENT_OVS_RUN_DIR');
    expect(names).toContain('DPU_AGENT_RUN_DIR');
    expect(names.filter((name) => /BRIDGES|CHAINS/.test(name))).toEqual([]);
  });

  it('reads lists by commas, numbers and words', () => {
    const env = {
      DPU_AGENT_OVSDB_ENDPOINTS: 'unix:/a, tcp:h:1',
      DPU_AGENT_COALESCE_MS: '50',
      DPU_AGENT_REPAIR: 'observe',
    };
    const { config } = loadConfig({ text: '', env });
    expect(config.ovsdb.endpoints).toEqual(['unix:/a', 'tcp:h:1']);
    expect(config.agent).toMatchObject({ coalesceMs: 50, repair: 'observe' });
  });

  it('takes text as it is', () => {
    expect(loadConfig({ text: '', env: { DPU_AGENT_STATE_DIR: '/a: b #c' } }).config.agent.stateDir).toBe('/a: b #c');
  });

  it('takes an empty variable for absent', () => {
    expect(loadConfig({ text: 'log: {level: warn}', env: { DPU_AGENT_LOG_LEVEL: '' } }).config.log.level).toBe('warn');
  });

  it('refuses a variable that does not exist, and names the nearest', () => {
    expect(problemsIn({ text: '', env: { DPU_AGENT_LOG_LEVELS: 'x', OTHER: 'y' } })).toEqual([
      {
        path: 'DPU_AGENT_LOG_LEVELS',
        origin: 'env:DPU_AGENT_LOG_LEVELS',
        message: 'unknown environment variable',
        remedy: 'Did you mean DPU_AGENT_LOG_LEVEL?',
      },
    ]);
  });

  it('overlooks what Kubernetes sets for a Service of such a name, and the name of the file', () => {
    const env = {
      DPU_AGENT_CONFIG: '/x',
      DPU_AGENT_SERVICE_HOST: '10.0.0.1',
      DPU_AGENT_SERVICE_PORT: '80',
      DPU_AGENT_SERVICE_PORT_HTTP: '80',
      DPU_AGENT_PORT: 'tcp://10.0.0.1:80',
      DPU_AGENT_PORT_80_TCP: 'tcp://10.0.0.1:80',
      DPU_AGENT_PORT_80_TCP_PROTO: 'tcp',
      DPU_AGENT_METRICS_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(problemsIn({ text: '', env })).toEqual([]);
  });

  it('names the variable of a wrong value', () => {
    expect(problemsIn({ text: '', env: { DPU_AGENT_COALESCE_MS: 'soon' } })).toMatchObject([
      { path: 'agent.coalesceMs', origin: 'env:DPU_AGENT_COALESCE_MS' },
    ]);
  });
});

describe('--set', () => {
  it('selects items by position and by name', () => {
    const config = withSets('bridges[br-b].failMode=secure', 'bridges[0].ports[p0].mtu=9000', 'bridges[1].adopt=true');
    expect(config.bridges[0]?.ports[0]).toMatchObject({ mtu: 9000 });
    expect(config.bridges[1]).toMatchObject({ failMode: 'secure', adopt: true });
  });

  it('goes into chains by name', () => {
    const ports = '[{kind: uplink, uplink: 0}, {kind: uplink, uplink: 1, name: far}]';
    const text = `bridges: [{name: br-sfc}]\nchains: [{name: c, switches: [{name: s, ports: ${ports}}]}]\n`;
    const sets = [
      'chains[c].mtu=9000',
      'chains[c].switches[s].ports[far].uplink=7',
      'chains[c].joinsTenants=red, blue',
    ];
    const { config, origins } = loadConfig({ text, sets });
    expect(config.chains).toMatchObject([
      { mtu: 9000, joinsTenants: ['blue', 'red'], switches: [{ ports: [{ uplink: 0 }, { uplink: 7 }] }] },
    ]);
    expect(origins.get('chains[0].switches[0].ports[1].uplink')).toBe('flag');
    expect(origins.get('chains[0].switches[0].ports[0].uplink')).toBe('file:2');
  });

  it('takes quoted keys, and text with = in it', () => {
    const config = withSets('bridges[br-a].externalIds["a.b=c"]=d=e', 'bridges[br-a].otherConfig.x=007');
    expect(config.bridges[0]?.externalIds).toEqual({ 'a.b=c': 'd=e' });
    expect(config.bridges[0]?.otherConfig).toEqual({ x: '007' });
  });

  it('reads maps and lists as YAML', () => {
    const config = withSets('bridges=[{name: c, ports: []}]', 'bridges[c].protocols=OpenFlow13,OpenFlow14');
    expect(config.bridges).toMatchObject([{ name: 'c', protocols: ['OpenFlow13', 'OpenFlow14'] }]);
  });

  it('lets the later one win', () => {
    expect(withSets('log.level=warn', 'log.level=error').log.level).toBe('error');
  });

  it.each([
    ['log.level', 'not of the form path=value'],
    ['=x', 'not of the form path=value'],
    ['a..b=x', 'not of the form path=value'],
    ['bridges[br-c].mtu=1', 'there is no item "br-c" in bridges'],
    ['bridges[2].mtu=1', 'there is no item "2" in bridges'],
    ['log.levle=x', 'unknown key "levle"'],
    ['bridges.name=x', 'there is no item "name" in bridges'],
    ['bridges[0].name.x=1', 'bridges[0].name is not a map, so nothing can be set in it'],
    ['bridges[0].mtu=[', 'YAML: '],
  ])('refuses %s', (set, message) => {
    const problems = problemsIn({ text: two, sets: [set] });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.origin).toBe('flag');
  });

  it('does not hide a section that is wrong in the file', () => {
    const paths = problemsIn({ text: 'log: loud\n', sets: ['log.level=info'] }).map(({ origin }) => origin);
    expect(paths).toEqual(['file:1', 'flag']);
  });
});
