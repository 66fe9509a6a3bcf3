import { describe, expect, it } from 'vitest';
import { bridge, chain, ChainLab, service, servicePort, vf, vfPort } from './chain-lab.js';
import { macOf, type Cable } from './network.js';
import { Witnesses } from './witness.js';

const hosts = (...numbers: readonly number[]): readonly Cable[] =>
  numbers.map((n) => ({ device: `rep0-${n}`, far: `h${n}`, station: n }));
const reps = (...numbers: readonly number[]): readonly object[] => numbers.map((n) => vfPort(n));

describe.skipIf(process.getuid?.() !== 0)('chains, with real packets', () => {
  it('connects two ports, and neither with anything else', async () => {
    await using lab = await ChainLab.start(
      hosts(1, 2, 3, 4),
      [bridge('br-sfc', reps(1, 2, 3, 4))],
      [chain('a', [vf(1), vf(2)]), chain('b', [vf(3), vf(4)])],
    );
    const { network } = lab;
    expect(await network.ping('h1', 2)).toBe(true);
    expect(await network.ping('h3', 4)).toBe(true);
    await using seen = await Witnesses.at(network, ['h1', 'h2', 'h3', 'h4']);
    // Known, unknown and all: what a chain takes in comes out within it, or nowhere.
    await network.send('h1', 2, 27001);
    await network.send('h1', 9, 27002);
    await network.send('h3', 1, 27003);
    await network.inside('h4', 'ping', '-c', '1', '-W', '1', '-b', '10.8.0.255').catch(String);
    await network.send('h4', 3, 27004);
    await seen.allSaw(['h2'], 27002);
    await seen.allSaw(['h4'], 27003);
    await seen.allSaw(['h3'], 27004);
    expect([27001, 27002, 27003, 27004].map((port) => seen.whoSaw(port))).toEqual([['h2'], ['h2'], ['h4'], ['h3']]);
  });

  it('learns on a switch of four ports: floods the unknown, sends the known to one, follows a station that moves', async () => {
    const ports = [1, 2, 3, 4].map((n) => vf(n));
    await using lab = await ChainLab.start(
      hosts(1, 2, 3, 4),
      [bridge('br-sfc', reps(1, 2, 3, 4))],
      [chain('lan', ports)],
    );
    const { network } = lab;
    await using seen = await Witnesses.at(network, ['h1', 'h2', 'h3', 'h4']);
    await network.send('h1', 2, 27001);
    await seen.allSaw(['h2', 'h3', 'h4'], 27001);
    await network.send('h2', 1, 27002);
    await seen.allSaw(['h1'], 27002);
    await network.send('h1', 2, 27003);
    await seen.allSaw(['h2'], 27003);
    expect(seen.whoSaw(27001)).toEqual(['h2', 'h3', 'h4']);
    expect(seen.whoSaw(27002)).toEqual(['h1']);
    expect(seen.whoSaw(27003)).toEqual(['h2']);
    const to2 = `reg0=0x${(await lab.ofport('rep0-2')).toString(16)},`;
    const counted = async (isMeant: (flow: string) => boolean): Promise<number> =>
      [...(await lab.counters('br-sfc'))].find(([flow]) => isMeant(flow))?.[1] ?? 0;
    // The switch fetches the counters of its datapath about once a second. Who has no listener answers, so there are more.
    await lab.until(
      async () => (await counted((flow) => flow.includes(to2))) > 0,
      'a frame was sent by what was learned',
    );
    const floods = (flow: string): boolean => flow.includes('table=14') && !flow.includes('reg0=');
    await lab.until(async () => (await counted(floods)) === 1, 'one frame was flooded');
    await lab.says('lan', 'Ready');
    // Station 2 moves behind port 4: its next frame is enough.
    await network.inside('h2', 'ip', 'link', 'set', 'eth0', 'down');
    await network.inside('h4', 'ip', 'link', 'set', 'eth0', 'address', macOf(2));
    await network.inside('h4', 'ip', 'neigh', 'replace', '10.8.0.1', 'lladdr', macOf(1), 'dev', 'eth0');
    await network.send('h4', 1, 27004);
    await seen.allSaw(['h1'], 27004);
    await network.inside('h2', 'ip', 'link', 'set', 'eth0', 'up');
    await network.send('h1', 2, 27005);
    await seen.allSaw(['h4'], 27005);
    expect(seen.whoSaw(27005)).toEqual(['h4']);
  });

  it('refuses a station that moves where the chain says so, and one that takes a pinned address', async () => {
    const ports = [vf(1), vf(2), vf(3), vf(4, { pinnedMacs: [macOf(4)] })];
    await using lab = await ChainLab.start(
      hosts(1, 2, 3, 4),
      [bridge('br-sfc', reps(1, 2, 3, 4))],
      [{ ...chain('lan', ports), macMove: 'refuse' }],
    );
    const { network } = lab;
    await using seen = await Witnesses.at(network, ['h1', 'h2', 'h3', 'h4']);
    await network.send('h2', 1, 27001);
    await seen.allSaw(['h1', 'h3', 'h4'], 27001);
    const dress = async (host: string, n: number): Promise<void> => {
      await network.inside(host, 'ip', 'link', 'set', 'eth0', 'address', macOf(n));
    };
    await dress('h3', 2);
    await network.send('h3', 1, 27002);
    await dress('h3', 4);
    await network.send('h3', 1, 27003);
    await dress('h3', 3);
    await network.send('h3', 1, 27004);
    await seen.allSaw(['h1'], 27004);
    expect(seen.whoSaw(27002)).toEqual([]);
    expect(seen.whoSaw(27003)).toEqual([]);
    await network.send('h1', 2, 27005);
    await network.send('h1', 4, 27006);
    await seen.allSaw(['h2'], 27005);
    await seen.allSaw(['h4'], 27006);
    expect([seen.whoSaw(27005), seen.whoSaw(27006)]).toEqual([['h2'], ['h4']]);
  });

  it('leads what comes in at p0 through a firewall to a host behind br-hbn, and back', async () => {
    const cables: readonly Cable[] = [
      { device: 'p0', far: 'fabric', station: 1 },
      { device: 'fwout', far: 'firewall', farDevice: 'out' },
      { device: 'fwin', far: 'firewall', farDevice: 'in' },
      { device: 'hbnsfc', far: 'hbn', farDevice: 'sfc' },
      { device: 'hbnhost', far: 'hbn', farDevice: 'host' },
      { device: 'rep0-1', far: 'host', station: 2 },
    ];
    await using lab = await ChainLab.start(
      cables,
      [
        bridge('br-sfc', [{ kind: 'uplink', uplink: 0 }, servicePort('fwout'), servicePort('fwin')]),
        bridge('br-hbn', [servicePort('hbnsfc'), servicePort('hbnhost'), vfPort(1)], { failMode: 'secure' }),
      ],
      [
        chain('p0-fw-hbn', [{ kind: 'uplink', uplink: 0 }, service('fwout')], [service('fwin'), service('hbnsfc')]),
        { ...chain('hbn-host', [service('hbnhost'), vf(1)]), bridge: 'br-hbn' },
      ],
    );
    const { network } = lab;
    for (const [far, ports] of [
      ['firewall', ['out', 'in']],
      ['hbn', ['sfc', 'host']],
    ] as const) {
      await network.inside(far, 'ip', 'link', 'add', 'br0', 'type', 'bridge');
      for (const port of ports) await network.inside(far, 'ip', 'link', 'set', port, 'master', 'br0');
      await network.inside(far, 'ip', 'link', 'set', 'br0', 'up');
    }
    await lab.until(() => network.ping('fabric', 2), 'the fabric reaches the host');
    expect(await network.ping('host', 1)).toBe(true);
    // All of it goes through the firewall: without it nothing passes.
    await network.inside('firewall', 'ip', 'link', 'set', 'br0', 'down');
    expect(await network.ping('fabric', 2)).toBe(false);
    await network.inside('firewall', 'ip', 'link', 'set', 'br0', 'up');
    await lab.until(() => network.ping('fabric', 2), 'the fabric reaches the host again');
    expect(await lab.rig.lab.vsctl('list-ports', 'br-hbn')).toContain('p_hbnsfc_brhbn_to_brsfc');
  });

  it('never lets a frame of one chain appear in another, with flooding switches side by side on one bridge', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8];
    await using lab = await ChainLab.start(
      hosts(...all),
      [bridge('br-sfc', reps(...all))],
      [chain('red', [vf(1), vf(2), vf(3)]), chain('blue', [vf(4), vf(5), vf(6)]), chain('wire', [vf(7), vf(8)])],
    );
    const { network } = lab;
    const roles = all.map((n) => `h${n}`);
    const mates = [
      ['h1', 'h2', 'h3'],
      ['h4', 'h5', 'h6'],
      ['h7', 'h8'],
    ] as const;
    await using seen = await Witnesses.at(network, roles);
    // Each station sends to every station, of whichever chain, and to one that nobody has.
    let port = 27000;
    const sent: { readonly from: string; readonly port: number }[] = [];
    for (const n of all) {
      const script: string[] = [];
      for (const to of [...all, 11].filter((other) => other !== n)) {
        port += 1;
        sent.push({ from: `h${n}`, port });
        script.push(`echo x >/dev/udp/10.8.0.${to}/${port}`);
      }
      await network.inside(`h${n}`, 'bash', '-c', script.join('; '));
    }
    for (const chainRoles of mates) {
      for (const from of chainRoles) {
        port += 1;
        // Unknown in every chain: the last frame of each station is flooded to all its mates.
        await network.send(from, 12, port);
        await seen.allSaw(
          chainRoles.filter((role) => role !== from),
          port,
        );
      }
    }
    for (const frame of sent) {
      const own: readonly string[] =
        mates.find((chainRoles) => (chainRoles as readonly string[]).includes(frame.from)) ?? [];
      const saw = seen.whoSaw(frame.port);
      expect(saw.length).toBeGreaterThan(0);
      expect(own).toEqual(expect.arrayContaining([...saw]));
      expect(saw).not.toContain(frame.from);
    }
  });

  it('takes VLANs off and puts them on: an access port and a trunk that carries two chains', async () => {
    await using lab = await ChainLab.start(
      [{ device: 'p0', far: 'fabric' }, ...hosts(1, 2)],
      [bridge('br-sfc', [{ kind: 'uplink', uplink: 0 }, vfPort(1), vfPort(2)])],
      [
        chain('v100', [vf(1), { kind: 'uplink', uplink: 0, vlan: { kind: 'tagged', tag: 100 } }]),
        chain('v200', [vf(2), { kind: 'uplink', uplink: 0, vlan: { kind: 'tagged', tag: 200 } }]),
      ],
    );
    const { network } = lab;
    await using seen = await Witnesses.at(network, ['fabric', 'h1', 'h2']);
    await network.send('h1', 8, 27001);
    await network.send('h2', 9, 27002);
    await network.sendTagged('fabric', 100, 9, 1, 27003);
    await network.sendTagged('fabric', 200, 9, 2, 27004);
    // A VLAN of no chain, and none at all: nobody gets them.
    await network.sendTagged('fabric', 300, 9, 1, 27005);
    await network.sendTagged('fabric', undefined, 9, 1, 27006);
    await network.sendTagged('fabric', 100, 9, 1, 27007);
    await seen.allSaw(['h1'], 27007);
    expect((await seen.of('fabric').saw(27001)).vlans).toEqual([100]);
    expect((await seen.of('fabric').saw(27002)).vlans).toEqual([200]);
    expect((await seen.of('h1').saw(27003)).vlans).toEqual([]);
    expect((await seen.of('h2').saw(27004)).vlans).toEqual([]);
    const saw = [27001, 27002, 27003, 27004, 27005, 27006].map((port) => seen.whoSaw(port));
    expect(saw).toEqual([['fabric'], ['fabric'], ['h1'], ['h2'], [], []]);
  });

  it('carries packets of 9000 bytes where the ports do, and says which port does not', async () => {
    const cables = hosts(1, 2, 3).map((cable, index) => ({ ...cable, mtu: index < 2 ? 9000 : 1500 }));
    await using lab = await ChainLab.start(
      cables,
      [bridge('br-sfc', reps(1, 2, 3))],
      [{ ...chain('jumbo', [vf(1), vf(2)]), mtu: 9000 }],
    );
    const { network } = lab;
    expect(await network.ping('h1', 2, 8972)).toBe(true);
    await lab.configure([{ ...chain('jumbo', [vf(1), vf(3)]), mtu: 9000 }]);
    const status = await lab.says('jumbo', 'ChainRefused');
    const condition = status.conditions.find(({ object }) => object.name === 'jumbo');
    expect(condition?.message).toContain('rep0-3');
    expect(await network.ping('h1', 2, 8972)).toBe(true);
  });
});
