import { describe, expect, it } from 'vitest';
import { parseDevlinkEswitches } from '../../src/host/devlink.js';
import { judgeEswitchMode } from '../../src/host/eswitch-mode.js';
import { createSwitchdevFinder } from '../../src/host/finder-switchdev.js';
import { readDescription } from '../fakes/sysfs-tree.js';
import { describedHost } from './described-host.js';

const finder = createSwitchdevFinder({ acceptsLegacyNames: true });

describe('judgeEswitchMode', () => {
  it.each([
    ['bluefield2', 'switchdev'],
    ['bluefield3', 'switchdev'],
    ['renamed', 'switchdev'],
    ['legacy-mode', 'legacy'],
    ['nic-mode', 'nic'],
    ['simulated', 'none'],
  ])('judges %s as %s', async (system, mode) => {
    const { devlinkEswitches } = await readDescription(system);
    const eswitches = devlinkEswitches === undefined ? [] : parseDevlinkEswitches(JSON.stringify(devlinkEswitches));
    expect(judgeEswitchMode(await describedHost(system, finder), eswitches).mode).toBe(mode);
  });

  it('says that it guesses when devlink cannot be asked', async () => {
    const judgement = judgeEswitchMode(await describedHost('legacy-mode', finder), undefined);
    expect(judgement.mode).toBe('nic');
    expect(judgement.reason).toContain('may also be legacy mode');
  });

  it('does not call it switchdev because devlink says so when nothing can be seen', async () => {
    const eswitches = [{ handle: 'pci/0000:03:00.0', mode: 'switchdev' as const }];
    expect(judgeEswitchMode(await describedHost('nic-mode', finder), eswitches).mode).toBe('nic');
  });
});
