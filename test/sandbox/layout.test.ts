import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { agentConfig, makeLayout, namespacePid, podAddress } from '../../src/sandbox/layout.js';
import { vfCountMax } from '../../src/sandbox/options.js';

const paths = { dir: '/d', socket: '/d/run/db.sock', runDir: '/d/run', root: '/' };

describe('the layout of the virtual DPU', () => {
  it('has a cable for each uplink, the host and each function, with names that the kernel takes', () => {
    const { cables, namespaces, dpuNamespace } = makeLayout(4_194_303, vfCountMax);
    expect(cables).toHaveLength(3 + vfCountMax);
    expect(new Set(cables.map((cable) => cable.dpuEnd)).size).toBe(cables.length);
    for (const { dpuEnd, farEnd } of cables) expect(Math.max(dpuEnd.length, farEnd.length)).toBeLessThan(16);
    expect(namespaces[0]).toBe(dpuNamespace);
    expect(new Set(namespaces).size).toBe(namespaces.length);
    for (const cable of cables) expect(namespaces).toContain(cable.farNamespace);
  });

  it('gives every pod its own address', () => {
    const addresses = makeLayout(1, vfCountMax).cables.map((cable) => cable.address);
    const given = addresses.filter((address) => address !== undefined);
    expect(new Set(given).size).toBe(given.length);
    expect(given).toContain(`${podAddress(1)}/24`);
  });

  it('marks its namespaces with the process they belong to, and takes no others for its own', () => {
    for (const name of makeLayout(4711, 2).namespaces) expect(namespacePid(name)).toBe(4711);
    expect(['dpusbx', 'dpusbx-x-dpu', 'my-dpusbx-1-dpu', 'kube'].map(namespacePid)).toEqual(Array(4).fill(undefined));
  });

  it.each([true, false])('configures the agent validly (real devices: %s)', (isReal) => {
    const { config } = loadConfig({ text: agentConfig({ vfCount: 5 }, paths, isReal) });
    expect(config.bridges.map((bridge) => bridge.name)).toEqual(['br-int', 'br-sfc', 'br-hbn']);
    expect(config.bridges[0]?.datapathType).toBe(isReal ? 'netdev' : undefined);
    expect(config.bridges[0]?.ports.filter((port) => port.kind === 'representor')).toHaveLength(6);
  });
});
