/** Batches of link changes against the real kernel: veth and tap devices in a network namespace of their own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostLinks } from '../../../src/adapters/host-links.js';
import { systemClock } from '../../../src/lib/clock.js';
import type { LinkChange } from '../../../src/model/netdev.js';
import { PrivateNetns } from './private-netns.js';

let netns: PrivateNetns;
let links: HostLinks;

beforeEach(async () => {
  netns = await PrivateNetns.create();
  links = new HostLinks(systemClock, netns.tool);
  netns.batch(['link add rep0-1 type veth peer name eth0-1', 'link add rep0-2 type veth peer name eth0-2']);
  netns.ip('tuntap', 'add', 'dev', 'tap0', 'mode', 'tap');
});

afterEach(async () => {
  await netns[Symbol.asyncDispose]();
});

const apply = (...changes: readonly LinkChange[]) => links.apply(changes, AbortSignal.timeout(30_000));

interface Shown {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
}

/** MTU and `up`, as another `ip` shows them. */
function shown(name: string): readonly [mtu: number, isUp: boolean] {
  const [link] = JSON.parse(netns.ip('-j', 'link', 'show', 'dev', name)) as [Shown];
  return [link.mtu, link.flags.includes('UP')];
}

describe('a batch of link changes on a real kernel', () => {
  it('sets what is asked for, leaves the rest, and does no harm when repeated', async () => {
    const changes = [
      { name: 'rep0-1', mtu: 1400, isUp: true },
      { name: 'rep0-2', isUp: true },
      { name: 'tap0', mtu: 9000 },
    ];
    expect(await apply(...changes)).toEqual(new Map());
    expect(await apply(...changes)).toEqual(new Map());
    expect([shown('rep0-1'), shown('rep0-2'), shown('tap0')]).toEqual([
      [1400, true],
      [1500, true],
      [9000, false],
    ]);
    expect(await apply({ name: 'rep0-1', isUp: false })).toEqual(new Map());
    expect(shown('rep0-1')).toEqual([1400, false]);
  });

  it('goes on behind a device that is missing and one that refuses the MTU, which it does not set up', async () => {
    const failures = await apply(
      { name: 'rep0-1', mtu: 1400, isUp: true },
      { name: 'nope', mtu: 1400, isUp: true },
      { name: 'tap0', mtu: 65_535, isUp: true },
      { name: 'rep0-2', mtu: 1300, isUp: true },
    );
    expect(failures).toEqual(
      new Map([
        ['nope', 'There is no such network device.'],
        ['tap0', 'The kernel refused the change: Error: mtu greater than device maximum.'],
      ]),
    );
    expect([shown('rep0-1'), shown('tap0'), shown('rep0-2')]).toEqual([
      [1400, true],
      [1500, false],
      [1300, true],
    ]);
  });

  it('tells a failure of the last device from one of the tool', async () => {
    expect(await apply({ name: 'rep0-1', isUp: true }, { name: 'nope', isUp: true })).toEqual(
      new Map([['nope', 'There is no such network device.']]),
    );
    const elsewhere = new HostLinks(systemClock, { file: 'ip', args: ['-n', 'no-such-netns'] });
    const failures = await elsewhere.apply([{ name: 'rep0-1', isUp: true }], AbortSignal.timeout(30_000));
    expect(failures.get('rep0-1')).toContain('no-such-netns');
  });

  it('takes the odd characters that a name may have for what they are', async () => {
    const name = 'p$(x);|&*?{}<>';
    netns.ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'x');
    expect(await apply({ name, mtu: 1280, isUp: true })).toEqual(new Map());
    expect(shown(name)).toEqual([1280, true]);
  });

  it('sets 200 devices by one process', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `rep1-${index}`);
    netns.batch(names.map((name, index) => `link add ${name} type veth peer name x${index}`));
    const gone = 'rep1-77';
    netns.ip('link', 'del', gone);
    const failures = await apply(...names.map((name) => ({ name, mtu: 1400, isUp: true })));
    expect([...failures.keys()]).toEqual([gone]);
    for (const name of names.filter((entry) => entry !== gone)) expect(shown(name)).toEqual([1400, true]);
  });
});
