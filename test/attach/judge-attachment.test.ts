import { describe, expect, it } from 'vitest';
import type { AttachSettings } from '../../src/attach/attach-settings.js';
import {
  attachmentEvidence,
  isMacDifferent,
  judgeAttachment,
  type JudgeFacts,
} from '../../src/attach/judge-attachment.js';
import type { Netdev } from '../../src/model/netdev.js';
import type { ObservedInterface, SwitchLiveness } from '../../src/model/observed.js';
import { settingsOf, vfOf } from '../fakes/attach-inputs.js';
import { interfaceRow, mapOf } from '../fakes/plan-rows.js';

const mac = '0a:58:0a:00:00:05';

interface Given {
  readonly main?: Partial<ObservedInterface>;
  readonly netdev?: Partial<Netdev>;
  readonly settings?: Partial<AttachSettings>;
  readonly liveness?: Partial<SwitchLiveness>;
}

function factsOf({ main, netdev, settings, liveness }: Given): JudgeFacts {
  const installed = mapOf({ 'ovn-installed': 'true' });
  return {
    main: interfaceRow('pf0vf1', { type: '', ofport: 5, linkState: 'up', externalIds: installed, ...main }),
    netdev: vfOf(1, { isUp: true, ...netdev }),
    mac,
    liveness: { answering: new Set(['br-int']), silent: new Set(), denied: new Set(), ...liveness },
    settings: settingsOf(settings),
  };
}

const nobody = { answering: new Set<string>() };

describe('the verdict on a port whose rows are as wanted', () => {
  it.each<[string, Given, string]>([
    ['all evidence is seen', {}, 'Ready ready'],
    ['vswitchd was not asked yet', { liveness: nobody }, 'VswitchdUnasked waiting'],
    ['vswitchd is silent', { liveness: { ...nobody, silent: new Set(['br-int']) } }, 'VswitchdSilent failed'],
    [
      'its socket is closed to the agent',
      { liveness: { ...nobody, silent: new Set(['br-int']), denied: new Set(['br-int']) } },
      'VswitchdDenied failed',
    ],
    ['only another bridge answers', { liveness: { answering: new Set(['br-x']) } }, 'VswitchdUnasked waiting'],
    ['the port has no number yet', { main: { ofport: undefined } }, 'OfportPending waiting'],
    ['the port could not be opened', { main: { ofport: -1 } }, 'InterfaceError failed'],
    ['the port has number 0', { main: { ofport: 0 } }, 'InterfaceError failed'],
    ['Open vSwitch tells an error', { main: { error: 'no such device' } }, 'InterfaceError failed'],
    ['the device is off', { netdev: { isUp: false } }, 'LinkDown waiting'],
    ['the link is down', { main: { linkState: 'down' } }, 'LinkDown waiting'],
    ['the link is not known', { main: { linkState: undefined } }, 'LinkDown waiting'],
    [
      'a simulated function waits for its host',
      { main: { linkState: 'down' }, netdev: { evidence: 'simulated' } },
      'Ready ready',
    ],
    ['a simulated function is off', { netdev: { evidence: 'simulated', isUp: false } }, 'LinkDown waiting'],
    ['OVN has said nothing', { main: { externalIds: new Map() } }, 'OvnNotInstalled waiting'],
    ['OVN has said false', { main: { externalIds: mapOf({ 'ovn-installed': 'false' }) } }, 'OvnNotInstalled waiting'],
    ['there is no OVN', { main: { externalIds: new Map() }, settings: { ovnInstalled: 'ignore' } }, 'Ready ready'],
    [
      'the function has another address',
      { netdev: { functionMac: '02:00:00:00:00:01' }, settings: { functionMac: 'require' } },
      'FunctionMacDiffers failed',
    ],
    [
      'another address of the function is only reported',
      { netdev: { functionMac: '02:00:00:00:00:01' }, settings: { functionMac: 'report' } },
      'Ready ready',
    ],
    ['nobody can tell the address', { settings: { functionMac: 'require' } }, 'Ready ready'],
    [
      'the function has the address',
      { netdev: { functionMac: mac }, settings: { functionMac: 'require' } },
      'Ready ready',
    ],
  ])('when %s', (_when, given, expected) => {
    const { reason, state } = judgeAttachment(factsOf(given));
    expect(`${reason} ${state}`).toBe(expected);
  });

  it('names the lowest broken rung first', () => {
    const given: Given = { main: { ofport: undefined, externalIds: new Map() }, netdev: { isUp: false } };
    expect(judgeAttachment(factsOf(given)).reason).toBe('OfportPending');
  });

  it('never tells the tenant what Open vSwitch said, nor says anything final', () => {
    const verdict = judgeAttachment(factsOf({ main: { error: 'secret \u0007 path' } }));
    expect(verdict.publicReason).not.toContain('secret');
    expect(verdict.message).not.toContain('\u0007');
    expect(verdict.isFinal).toBe(false);
  });
});

describe('the address of a function', () => {
  it('differs only where it is known', () => {
    expect(isMacDifferent({ netdev: vfOf(1), mac })).toBe(false);
    expect(isMacDifferent({ netdev: vfOf(1, { functionMac: mac }), mac })).toBe(false);
    expect(isMacDifferent({ netdev: vfOf(1, { functionMac: '02:00:00:00:00:01' }), mac })).toBe(true);
  });
});

describe('evidence', () => {
  it('names what was seen and leaves out what was not', () => {
    const { main, netdev } = factsOf({ main: { error: 'x\u0000y', type: '' } });
    const seen = attachmentEvidence(main, netdev);
    expect(seen).toMatchObject({ ofport: '5', link_state: 'up', 'ovn-installed': 'true', error: 'x\\u0000y' });
    expect(seen).not.toHaveProperty('type');
    expect(seen).not.toHaveProperty('function_mac');
  });
});
