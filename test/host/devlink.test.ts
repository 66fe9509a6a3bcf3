import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseDevlinkDevices,
  parseDevlinkEswitches,
  parseDevlinkInfo,
  parseDevlinkPorts,
} from '../../src/host/devlink.js';
import { AgentError } from '../../src/lib/errors.js';
import { readDescription } from '../fakes/sysfs-tree.js';

const portsOf = (row: unknown): string => JSON.stringify({ port: { 'pci/0000:03:00.0/1': row } });
const hostVf = {
  type: 'eth',
  netdev: 'c1pf0vf3',
  flavour: 'pcivf',
  controller: 1,
  pfnum: 0,
  vfnum: 3,
  external: true,
  splittable: false,
  function: { hw_addr: '02:AA:00:00:00:03', state: 'active', opstate: 'attached', roce: 'enable', max_io_eqs: 8 },
};

describe('parseDevlinkPorts', () => {
  it('reads a virtual function of the host and passes over what it does not know', () => {
    expect(parseDevlinkPorts(portsOf(hostVf)).ports).toEqual([
      {
        handle: 'pci/0000:03:00.0/1',
        flavour: 'pcivf',
        netdev: 'c1pf0vf3',
        controller: 1,
        pf: 0,
        vf: 3,
        isExternal: true,
        functionMac: '02:aa:00:00:00:03',
        functionState: 'active',
        functionOpstate: 'attached',
      },
    ]);
  });

  it('takes a hardware address of zeros for unset', () => {
    const { ports } = parseDevlinkPorts(portsOf({ ...hostVf, function: { hw_addr: '00:00:00:00:00:00' } }));
    expect(ports[0]?.functionMac).toBeUndefined();
  });

  it('takes words of newer kernels for unknown', () => {
    const { ports } = parseDevlinkPorts(portsOf({ ...hostVf, flavour: 'pciquux', function: { state: 'dreaming' } }));
    expect(ports[0]).toMatchObject({ flavour: 'unknown', functionState: undefined });
  });

  it.each([
    ['a number as text', { vfnum: '3' }],
    ['a negative number', { pfnum: -1 }],
    ['a fraction', { vfnum: 1.5 }],
    ['a number out of range', { controller: 70_000 }],
    ['a word for external', { external: 'yes' }],
    ['a name with a line break', { netdev: 'p0\nroot' }],
    ['a function that is a list', { function: [] }],
    ['a hardware address that is none', { function: { hw_addr: 'zz' } }],
  ])('leaves out a port with %s and keeps the others', (_what, fault) => {
    const json = JSON.stringify({ port: { bad: { ...hostVf, ...fault }, good: { ...hostVf, netdev: 'other' } } });
    const { ports, rejected } = parseDevlinkPorts(json);
    expect(ports.map((port) => port.handle)).toEqual(['good']);
    expect([...rejected.keys()]).toEqual(['bad']);
  });

  it('believes neither of two ports that claim one device', () => {
    const { ports, rejected } = parseDevlinkPorts(JSON.stringify({ port: { a: hostVf, b: { ...hostVf, vfnum: 4 } } }));
    expect(ports).toEqual([]);
    expect([...rejected.keys()]).toEqual(['a', 'b']);
  });

  it('reads no ports as no ports', () => {
    expect(parseDevlinkPorts('{"port":{}}')).toEqual({ ports: [], rejected: new Map() });
  });

  it.each(['', '{', '[]', 'null', '{}', '{"port":[]}', '{"port":{"a":1}}', '{"port":null}'])(
    'refuses %s whole',
    (json) => expect(() => parseDevlinkPorts(json)).toThrow(AgentError),
  );

  it('never throws anything but PEER_PROTOCOL, and never believes a wrong number', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('netdev', 'pfnum', 'vfnum', 'flavour'), fc.jsonValue()), (row) => {
        for (const port of parseDevlinkPorts(portsOf(row)).ports) {
          for (const id of [port.pf, port.vf]) if (id !== undefined) expect(Number.isInteger(id) && id >= 0).toBe(true);
        }
      }),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          parseDevlinkPorts(json);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PEER_PROTOCOL' });
        }
      }),
    );
  });

  it.each(['bluefield2', 'bluefield3', 'renamed', 'multi-controller', 'legacy-mode', 'nic-mode'])(
    'rejects nothing in %s',
    async (name) => {
      const { devlinkPorts } = await readDescription(name);
      expect(parseDevlinkPorts(JSON.stringify(devlinkPorts)).rejected.size).toBe(0);
    },
  );
});

describe('parseDevlinkEswitches', () => {
  it('reads the modes', () => {
    const json =
      '{"dev":{"pci/0000:03:00.0":{"mode":"switchdev","inline-mode":"none","encap-mode":"basic"},"pci/0000:04:00.0":{"mode":"switchdev_inactive"}}}';
    expect(parseDevlinkEswitches(json)).toEqual([
      { handle: 'pci/0000:03:00.0', mode: 'switchdev', inlineMode: 'none', encapMode: 'basic' },
      { handle: 'pci/0000:04:00.0', mode: 'unknown' },
    ]);
  });

  it('refuses a mode that is no text', () => {
    expect(() => parseDevlinkEswitches('{"dev":{"a":{"mode":1}}}')).toThrow(AgentError);
  });
});

describe('parseDevlinkDevices', () => {
  it('reads the handles', () => {
    expect(parseDevlinkDevices('{"dev":{"pci/0000:03:00.0":{},"auxiliary/mlx5_core.sf.4":{}}}')).toEqual([
      'pci/0000:03:00.0',
      'auxiliary/mlx5_core.sf.4',
    ]);
  });
});

describe('parseDevlinkInfo', () => {
  it('reads driver, serial numbers and versions', () => {
    const json = JSON.stringify({
      info: {
        'pci/0000:03:00.0': {
          driver: 'mlx5_core',
          serial_number: 'MT2333XZ0VWX',
          versions: {
            fixed: { 'fw.psid': 'MT_0000000884' },
            running: { 'fw.version': '32.41.1000', fw: '32.41.1000' },
          },
        },
      },
    });
    const [info] = parseDevlinkInfo(json);
    expect(info).toMatchObject({ driver: 'mlx5_core', serialNumber: 'MT2333XZ0VWX', boardSerialNumber: undefined });
    expect(info?.versions.get('running')?.get('fw.version')).toBe('32.41.1000');
    expect(info?.versions.get('fixed')?.get('fw.psid')).toBe('MT_0000000884');
  });

  it('refuses versions that are no text', () => {
    expect(() => parseDevlinkInfo('{"info":{"a":{"versions":{"running":{"fw":1}}}}}')).toThrow(AgentError);
  });
});
