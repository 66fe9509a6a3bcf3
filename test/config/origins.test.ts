import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';

describe('originsOf', () => {
  it('knows where every value comes from', () => {
    const text = 'bridges:\n  - name: a\n    protocols:\n      - OpenFlow13\n    otherConfig:\n      x.y: 1\nlog:\n';
    const { origins } = loadConfig({ text, env: { DPU_AGENT_RUN_DIR: '/r' }, sets: ['bridges[a].mtu=1500'] });
    expect(origins.get('bridges[0].name')).toBe('file:2');
    expect(origins.get('bridges[0].protocols')).toBe('file:4');
    expect(origins.get('bridges[0].otherConfig["x.y"]')).toBe('file:6');
    expect(origins.get('bridges[0].mtu')).toBe('flag');
    expect(origins.get('bridges[0].mode')).toBe('default');
    expect(origins.get('bridges[0].ports')).toBe('default');
    expect(origins.get('agent.runDir')).toBe('env:DPU_AGENT_RUN_DIR');
    expect(origins.get('log.level')).toBe('default');
    expect(origins.has('bridges[0].failMode')).toBe(false);
  });
});
