import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { agentConfig, fabricAddress, makeLayout, namespaceKind, namespacePid } from '../../src/sandbox/layout.js';

const paths = { dir: '/d', socket: '/d/run/db.sock', runDir: '/d/run', root: '/', kubeconfig: '/d/agent/kubeconfig' };

describe('the layout of the virtual DPU', () => {
  it('has a cable for each uplink and the host, with names that the kernel takes', () => {
    const { cables, namespaces, dpuNamespace } = makeLayout(`${namespaceKind}-4194303-1`);
    expect(cables.map(({ dpuEnd }) => dpuEnd)).toEqual(['p0', 'p1', 'pf0hpf']);
    for (const { dpuEnd, farEnd } of cables) expect(Math.max(dpuEnd.length, farEnd.length)).toBeLessThan(16);
    expect(namespaces[0]).toBe(dpuNamespace);
    expect(new Set(namespaces).size).toBe(namespaces.length);
    for (const cable of cables) expect(namespaces).toContain(cable.farNamespace);
  });

  it('gives every far end its own address, and the fabric the one that pods ping', () => {
    const given = makeLayout('x').cables.flatMap(({ address }) => (address === undefined ? [] : [address]));
    expect(new Set(given).size).toBe(given.length);
    expect(given).toContain(`${fabricAddress}/16`);
  });

  it('marks its namespaces with the process they belong to, and takes no others for its own', () => {
    for (const name of makeLayout(`${namespaceKind}-4711-1`).namespaces) expect(namespacePid(name)).toBe(4711);
    expect(['dpusbx', 'dpusbx-x-dpu', 'my-dpusbx-1-dpu', 'kube'].map(namespacePid)).toEqual(Array(4).fill(undefined));
  });

  it.each([true, false])('configures the agent validly (real devices: %s)', (isReal) => {
    const { config } = loadConfig({ text: agentConfig(paths, isReal) });
    expect(config.bridges.map((bridge) => bridge.name)).toEqual(['br-int', 'br-sfc', 'br-hbn']);
    expect(config.bridges[0]?.datapathType).toBe(isReal ? 'netdev' : undefined);
    expect(config.attach.mode).toBe('attach');
  });
});
