import { describe, expect, it } from 'vitest';
import { attachSettings } from '../../src/app/assemble-attach.js';
import { loadConfig } from '../../src/config/load.js';

const settingsOf = (text: string) => attachSettings(loadConfig({ text }).config);

describe('what the planner of attachments needs of the configuration', () => {
  it('is by default every VF of the host, on br-int, under the mark of the pods', () => {
    expect(settingsOf('agent: {owner: me}')).toMatchObject({
      mark: 'me/pods',
      bridge: 'br-int',
      mtu: undefined,
      ovnInstalled: 'require',
      pools: undefined,
      reserved: [],
      resourceNames: undefined,
    });
  });

  it('turns ranges into sets', () => {
    const text = 'attach: {pools: [{pf: 0, vfs: "1-3,7"}, {pf: 1, vfs: "0"}], reserved: [{pf: 0, vf: 2}]}';
    expect(settingsOf(text)).toMatchObject({
      pools: [
        { pf: 0, vfs: new Set([1, 2, 3, 7]) },
        { pf: 1, vfs: new Set([0]) },
      ],
      reserved: [{ pf: 0, vfs: new Set([2]) }],
    });
  });

  it('takes a list of resources for a demand, and an empty one for none', () => {
    expect(settingsOf('attach: {resourceNames: [nvidia.com/bf]}').resourceNames).toEqual(['nvidia.com/bf']);
    expect(settingsOf('attach: {resourceNames: []}').resourceNames).toBeUndefined();
  });

  it('carries the rules on evidence and the MTU over', () => {
    expect(
      settingsOf('attach: {ovnInstalled: ignore, functionMac: require, mtu: 9000, bridge: br-pods}'),
    ).toMatchObject({
      ovnInstalled: 'ignore',
      functionMac: 'require',
      mtu: 9000,
      bridge: 'br-pods',
    });
  });
});
