import { describe, expect, it } from 'vitest';
import {
  bindingCommand,
  definitionCommand,
  flowsCommand,
  functionMacCommand,
  ifaceIdCommand,
  interfaceCommand,
  leaseCommand,
  linkCommand,
  podCommand,
  socketCommand,
  whyCommand,
  whyLabelCommand,
  type CommandNames,
} from '../../src/attach/look-commands.js';

const names: CommandNames = {
  namespace: 'shop',
  name: 'web-0',
  nadKey: 'default',
  nodeName: undefined,
  device: undefined,
  ifaceId: undefined,
  bridge: 'br-int',
  ovsRunDir: '/run/openvswitch',
};

describe('a command whose name is not known or cannot be written', () => {
  it('looks at all of the kind instead', () => {
    expect(podCommand({ namespace: 'shop', name: '-x' })).toBe('kubectl get pods -A -o wide');
    expect(leaseCommand(names)).toBe('kubectl get lease -A');
    expect(linkCommand(names)).toBe('ip -d link show');
    expect(linkCommand({ ...names, device: 'a\u0007' })).toBe('ip -d link show');
    expect(functionMacCommand({ ...names, device: 'pf0vf3' }, undefined)).toBe('devlink port show');
    expect(interfaceCommand(names, 'name')).toBe('ovs-vsctl --columns=name list Interface');
    expect(ifaceIdCommand(names)).toBe('ovs-vsctl --columns=name,ofport,error,external_ids find Interface');
    expect(bindingCommand(names)).toBe('ovn-sbctl --columns=logical_port,chassis,up,options,mac find Port_Binding');
    expect(flowsCommand(names, 'seven')).toBe('ovs-vsctl show');
    expect(socketCommand({ ...names, bridge: 'br\n' })).toBe('ovs-vsctl show');
    expect(whyCommand(undefined, 'web-0')).toBe('dpuctl pods');
  });
});

describe('a command for an odd name', () => {
  it('names the row by a condition, in which nothing is an option', () => {
    expect(interfaceCommand({ ...names, device: '-x' }, 'name')).toBe(
      `ovs-vsctl --columns=name find Interface 'name="-x"'`,
    );
    expect(interfaceCommand({ ...names, device: '0$(id)' }, 'name')).toBe(
      `ovs-vsctl --columns=name find Interface 'name="0$(id)"'`,
    );
  });
});

describe('a command for a network', () => {
  it('reads its definition, or lists all when it has none', () => {
    expect(definitionCommand(names)).toBe('kubectl get net-attach-def -A');
    expect(definitionCommand({ ...names, nadKey: 'shop/blue/2' })).toBe(
      'kubectl get net-attach-def -n shop blue -o yaml',
    );
  });
});

describe('a command about the holder of a function', () => {
  it('takes the pod out of the label of its attachment', () => {
    expect(whyLabelCommand('shop/web-1 network shop/blue')).toBe('dpuctl why pod shop/web-1');
    expect(whyLabelCommand('a pod that is not listed')).toBe('dpuctl pods');
    expect(whyLabelCommand(undefined)).toBe('dpuctl pods');
  });
});
