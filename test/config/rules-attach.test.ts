import { describe, expect, it } from 'vitest';
import { onlyProblem, problemLines } from './problems-of.js';

const cluster = 'hostCluster: {kubeconfig: /k}\n';

const attach = (text: string, more = ''): readonly string[] => problemLines(`${cluster}attach: {${text}}\n${more}`);

describe('rules of attaching', () => {
  it('want a host cluster for every mode but off', () => {
    expect(problemLines('attach: {mode: attach}')).toEqual([
      '1 attach.mode: mode attach needs the host cluster, whose pods these are',
    ]);
    expect(problemLines('attach: {mode: observe}')).toHaveLength(1);
    expect(problemLines('attach: {mode: off}')).toEqual([]);
    expect(attach('mode: attach')).toEqual([]);
  });

  it('do not say so of a host cluster that is there and wrong', () => {
    expect(problemLines('hostCluster: {kubeconfig: k}\nattach: {mode: attach}')).toEqual([
      '1 hostCluster.kubeconfig: "k" is not allowed here; allowed: an absolute path',
    ]);
  });

  it('want a bridge that can be plugged into, listed or not', () => {
    const observed = 'bridges: [{name: br-int, mode: observe}]';
    expect(attach('mode: attach', observed)).toEqual([
      '2 attach.mode: bridge "br-int" has mode observe, so nothing can be plugged into it',
    ]);
    expect(attach('mode: observe', observed)).toEqual([]);
    expect(attach('mode: attach', 'bridges: [{name: br-int, mode: share}]')).toEqual([]);
    expect(attach('mode: attach', 'bridges: [{name: br-int}]')).toEqual([]);
    expect(attach('mode: attach', 'bridges: [{name: br-sfc}]')).toEqual([]);
    expect(attach('bridge: a/b')).toEqual([expect.stringContaining('the name "a/b" has the character "/"')]);
  });

  it('want each function in one pool', () => {
    expect(attach('pools: [{pf: 0, vfs: "0-3,3"}, {pf: 1, vfs: 3}, {pf: 0, vfs: "2-9"}]')).toEqual([
      '2 attach.pools[0].vfs: VF 3 of PF 0 is already in attach.pools[0]',
      '2 attach.pools[2].vfs: VF 2 of PF 0 is already in attach.pools[0]',
    ]);
    expect(attach('pools: [{pf: 0}, {pf: 0, vfs: 7}]')).toHaveLength(1);
    expect(attach('pools: [{pf: 0, vfs: "0-3,5"}, {pf: 0, vfs: "4,6-9"}]')).toEqual([]);
  });

  it('want ranges that run forwards to a function that can exist', () => {
    expect(onlyProblem('attach: {pools: [{pf: 0, vfs: "5-3"}]}')).toMatchObject({
      message: 'the range 5-3 runs backwards',
      remedy: 'Write 3-5.',
    });
    expect(attach('pools: [{pf: 0, vfs: "0-4096"}]')).toEqual([
      '2 attach.pools[0].vfs: VF 4096 does not exist; allowed: 0 to 4095',
    ]);
  });

  it('want each reserved function and each resource once', () => {
    expect(attach('reserved: [{vf: 0}, {pf: 1, vf: 0}, {pf: 1, vf: 2}, {pf: 1, vf: 2}, {pf: 2, vf: 2}]')).toEqual([
      '2 attach.reserved[1]: VF 0 of PF 1 is already reserved by attach.reserved[0]',
      '2 attach.reserved[3]: VF 2 of PF 1 is already reserved by attach.reserved[2]',
    ]);
    expect(attach('reserved: [{pf: 1, vf: 0}, {vf: 0}]')).toEqual([]);
    expect(attach('resourceNames: [a.b/c, a.b/d, a.b/c]')).toEqual([
      '2 attach.resourceNames[2]: "a.b/c" is given twice',
    ]);
  });

  it('want a lease that outlives its renewal', () => {
    expect(attach('lease: {renewMs: 40000}')).toEqual([
      '2 attach.lease.durationS: a lease of 40 s runs out before it is renewed, every 40000 ms',
    ]);
    expect(attach('lease: {renewMs: 39999}')).toEqual([]);
    expect(attach('lease: {renewMs: 0, durationS: 1}')).toEqual([]);
  });

  it('know one host in a simulation', () => {
    const representors = (text: string): readonly string[] => problemLines(`representors: {${text}}`);
    expect(representors('finder: simulated, hostController: 2')).toEqual([
      '1 representors.hostController: host 2 does not exist with finder simulated',
    ]);
    expect(representors('finder: simulated, hostController: 1')).toEqual([]);
    expect(representors('hostController: 2, legacyNames: true')).toEqual([]);
  });
});
