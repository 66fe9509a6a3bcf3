import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  flatCopy,
  flowActions,
  isWildcard,
  maskedValue,
  matchesExactly,
  matchesOn,
  matchField,
  matchFields,
  outputPorts,
  subField,
} from '../../src/model/datapath-flow.js';

const tagged =
  'recirc_id(0),in_port(pf0vf3),ct_state(0x21/0x21),ct_mark(0/0),eth(src=0a:58:0a:f4:00:05,dst=01:80:c2:00:00:00),' +
  'eth_type(0x8100),vlan(vid=7,pcp=0),encap(eth_type(0x0800),ipv4(src=10.0.0.1/0.0.0.0,proto=17,frag=no),udp(dst=3784/0xff00))';

describe('the match of a datapath flow', () => {
  it('gives the text inside a field, also inside encap', () => {
    expect(matchField(tagged, 'in_port')).toBe('pf0vf3');
    expect(matchField(tagged, 'udp')).toBe('dst=3784/0xff00');
    expect(matchFields(tagged, 'eth_type')).toEqual(['0x8100', '0x0800']);
    expect(matchField(tagged, 'tcp')).toBeUndefined();
  });

  it('does not find a field by the end of its name', () => {
    expect(matchField('ct_state(0x21),recirc_id(0)', 'state')).toBeUndefined();
    expect(matchField('recirc_id(0)', 'id')).toBeUndefined();
  });

  it('takes the parentheses inside a field along', () => {
    expect(matchField('tunnel(tun_id=0x7b,flags(df|key)),in_port(g)', 'tunnel')).toBe('tun_id=0x7b,flags(df|key)');
  });

  it('knows what -m prints although it does not matter', () => {
    for (const text of [
      '0/0',
      '0x21/0',
      '1/0x0',
      '10.0.0.1/0.0.0.0',
      'fe80::1/::',
      '0a:00:00:00:00:01/00:00:00:00:00:00',
    ]) {
      expect(isWildcard(maskedValue(text)), text).toBe(true);
    }
    for (const text of ['0', '0x21/0x1', '10.0.0.1/255.0.0.0', 'fe80::/ffc0::', '']) {
      expect(isWildcard(maskedValue(text)), text).toBe(false);
    }
    expect(matchesOn(tagged, 'ct_state')).toBe(true);
    expect(matchesOn(tagged, 'ct_mark')).toBe(false);
    expect(matchesOn(tagged, 'dp_hash')).toBe(false);
  });

  it('reads keys of a field with their masks', () => {
    const inside = 'src=1000/0,dst=0x50';
    expect(subField(inside, 'src')).toEqual({ value: '1000', mask: '0' });
    expect(matchesExactly(inside, 'dst', 80)).toBe(true);
    expect(matchesExactly(inside, 'src', 1000)).toBe(false);
    expect(subField('tp_src=1', 'src')).toBeUndefined();
  });
});

describe('the actions of a datapath flow', () => {
  it('are taken apart at the outermost commas', () => {
    expect(flowActions('push_vlan(vid=7,pcp=0),ct(commit,nat(src=1.2.3.4)),p0')).toEqual([
      { name: 'push_vlan', inside: 'vid=7,pcp=0' },
      { name: 'ct', inside: 'commit,nat(src=1.2.3.4)' },
      { name: 'p0', inside: undefined },
    ]);
  });

  it.each([
    ['drop', []],
    ['ct,recirc(0x1)', []],
    ['pop_vlan,ct_clear,pf0vf3', ['pf0vf3']],
    ['5,6,5', ['5', '6']],
    ['clone(tnl_push(tnl_port(vx),header(size=50),out_port(br-ph)),p0),pf0vf4', ['p0', 'pf0vf4']],
    ['tnl_push(tnl_port(vxlan_sys_4789),header(size=50,type=4),out_port(br-ph)),p0', ['p0']],
    ['check_pkt_len(size=200,gt(drop),le(p1))', ['p1']],
    ['sample(sample=50.0%,actions(userspace(pid=0))),p0', ['p0']],
    ['', []],
  ])('%s sends packets to %j', (actions, ports) => {
    expect(outputPorts(actions)).toEqual(ports);
  });

  it('never make it throw or hang, whatever they are', () => {
    const text = fc.string({ unit: fc.constantFrom('(', ')', ',', '=', '/', 'a', '0', 'clone(', 'ct', ' ', '\u0000') });
    fc.assert(
      fc.property(text, text, (match, actions) => {
        matchField(match, 'a');
        matchFields(match, 'ct');
        matchesOn(match, 'clone');
        subField(match, 'a');
        expect(outputPorts(actions).every((port) => port !== '')).toBe(true);
      }),
    );
  });

  it('look into nested actions to a bounded depth only', () => {
    expect(outputPorts(`${'clone('.repeat(5000)}p0`)).toEqual([]);
    expect(outputPorts(`${'clone('.repeat(5)}p0`)).toEqual(['p0']);
  });
});

describe('a flat copy', () => {
  it('is the same text', () => {
    expect(flatCopy('pf0vf3 → é')).toBe('pf0vf3 → é');
  });
});
