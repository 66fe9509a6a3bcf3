import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rungNames } from '../../src/attach/ladder.js';
import { reasonRungs, type ReasonRung, type Subject } from '../../src/attach/reason-rungs.js';
import { reasons } from '../../src/model/reasons.js';
import { fullEvidence } from './pod-facts.js';

const source = join(import.meta.dirname, '..', '..', 'src');

/** Files that can give an attachment its reason: the planner, the judge and the loop. */
function speakers(): readonly string[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(join(source, folder)).map((name) => join(source, folder, name));
  const loop = inFolder('agent').filter((file) => /\/attach[a-z-]*\.ts$/.test(file));
  const own = /\/(?:explain|ladder|reason-rungs|rung-looks)\.ts$/;
  return [...inFolder('attach'), ...loop].filter((file) => file.endsWith('.ts') && !own.test(file));
}

/** Every reason that stands as a literal in a file that speaks of attachments. */
function reasonsSaid(): ReadonlySet<string> {
  const said = new Set<string>();
  for (const file of speakers()) {
    for (const [, word = ''] of readFileSync(file, 'utf8').matchAll(/'([A-Z][A-Za-z]+)'/g)) {
      if (word !== 'Ready' && Object.hasOwn(reasons, word)) said.add(word);
    }
  }
  return said;
}

/** The reasons of one part of the list, as its comments divide it. */
function reasonsOfPart(heading: string): readonly string[] {
  const text = readFileSync(join(source, 'model', 'reasons.ts'), 'utf8');
  const start = text.indexOf(heading);
  const part = text.slice(start, text.indexOf('\n  // ', start + 1));
  return [...part.matchAll(/^ {2}([A-Z][A-Za-z]+):/gm)].map(([, name = '']) => name);
}

const subject: Subject = {
  namespace: 'shop',
  name: 'web-0',
  nadKey: 'shop/blue/1',
  nodeName: 'host-a',
  device: 'pf0vf3',
  ifaceId: 'shop.blue.1_shop_web-0',
  bridge: 'br-int',
  ovsRunDir: '/run/openvswitch',
  mode: 'on',
  message: 'What the agent says.',
  heldBy: 'shop/web-1',
  evidence: fullEvidence,
};

const entries: readonly (readonly [string, ReasonRung])[] = Object.entries(reasonRungs);

describe('the rungs of the reasons', () => {
  it('hold every reason that the planner or the loop can say of an attachment', () => {
    const said = reasonsSaid();
    expect(said.size).toBeGreaterThan(25);
    expect([...said].filter((reason) => !Object.hasOwn(reasonRungs, reason))).toEqual([]);
  });

  it('hold every reason that the list keeps for attachments, and those that it shares with ports', () => {
    const own = reasonsOfPart('// Conditions of attachments');
    expect(own).toContain('DetailsInvalid');
    const shared = [
      ...['NotApplied', 'OfportPending', 'InterfaceError', 'LinkDown', 'VswitchdSilent', 'VswitchdDenied'],
      ...['VswitchdUnasked', 'TransactionRefused', 'DeviceRecreated', 'BridgeAbsent', 'OvsdbUnavailable'],
      ...['NetdevsUnknown', 'ReadOnly'],
    ];
    expect([...own, ...shared].sort()).toEqual(entries.map(([reason]) => reason).sort());
  });

  it.each(entries)('give %s a rung, a cause, a remedy and a command', (_reason, { rung, cause, remedy, command }) => {
    expect(rungNames).toContain(rung);
    expect(cause(subject)).toMatch(/[.:]/);
    expect(remedy(subject)).toMatch(/\.$/);
    expect(command(subject)).toMatch(
      /^(?:kubectl|ovs-vsctl|ovs-appctl|ovn-sbctl|devlink|ip|ls|chronyc|dpuctl|dpu-node-agent) ?/,
    );
  });

  it('fill in the real names', () => {
    const command = (reason: keyof typeof reasonRungs): string => reasonRungs[reason].command(subject);
    expect(command('DetailsInvalid')).toBe(
      String.raw`kubectl get pod -n shop web-0 -o 'jsonpath={.metadata.annotations.k8s\.ovn\.org/dpu\.connection-details}'`,
    );
    expect(command('NetworkUnknown')).toBe('kubectl get net-attach-def -n shop blue -o yaml');
    expect(command('RepresentorForeign')).toBe(
      'ovs-vsctl --columns=name,type,ofport,error,external_ids list Interface pf0vf3',
    );
    expect(command('IfaceIdTaken')).toContain('find Interface external_ids:iface-id=shop.blue.1_shop_web-0');
    expect(command('OvnNotInstalled')).toBe(
      'ovn-sbctl --columns=logical_port,chassis,up,options,mac find Port_Binding logical_port=shop.blue.1_shop_web-0',
    );
    expect(command('LeaseForeign')).toBe('kubectl get lease -A --field-selector metadata.name=ovn-dpu-host-a -o yaml');
    expect(command('FunctionMacDiffers')).toBe('devlink port function set pf0vf3 hw_addr 0a:58:0a:01:02:03');
    expect(command('LinkRefused')).toBe('ip link set dev pf0vf3 up');
    expect(command('VswitchdDenied')).toBe('ls -l /run/openvswitch/br-int.mgmt');
    expect(command('RepresentorClaimedTwice')).toBe('dpuctl why pod shop/web-1');
  });
});

const hostileNames = [
  '$(touch PWNED)',
  '`touch PWNED`',
  '; touch PWNED #',
  "'; touch PWNED; '",
  '"; touch PWNED; "',
  '\n touch PWNED\n',
  '\u001b]0;owned\u0007',
  '--kubeconfig=/evil',
  '-x',
  '../../etc/passwd',
  '*',
  '\\u0007',
  '‮gnp.exe',
  'a'.repeat(5_000),
  '',
];

describe('hostile names', () => {
  const hostile = (text: string): Subject => ({
    ...subject,
    namespace: text,
    name: text,
    nadKey: text,
    nodeName: text,
    device: text,
    ifaceId: text,
    bridge: text,
    ovsRunDir: text,
    message: text,
    heldBy: text,
    evidence: { attached_mac: text, ofport: text },
  });
  const commands = (text: string): readonly string[] => entries.map(([, { command }]) => command(hostile(text)));

  it.each(hostileNames)('make no command unsafe: %j', (text) => {
    for (const command of commands(text)) {
      expect(command).toMatch(/^[\x20-\x7e]+$/);
      expect(command.length).toBeLessThan(800);
      // Each command runs as one simple command: the shell is given words, and finds nothing else to do.
      const [tool = ''] = command.split(' ');
      const script = `${tool.replaceAll('-', '_')}() { printf '%s\\n' ran; }\n${command.replace(tool, tool.replaceAll('-', '_'))}`;
      expect(execFileSync('/bin/sh', ['-f', '-c', script], { encoding: 'utf8' })).toBe('ran\n');
    }
  });

  it('are never taken for an option', () => {
    const known = new Set(
      commands('x')
        .flatMap((command) => command.split(' '))
        .filter((word) => word.startsWith('-')),
    );
    for (const command of commands('--kubeconfig=/evil')) {
      const options = command.split(' ').filter((word) => word.startsWith('-') && !known.has(word));
      expect(options).toEqual([]);
    }
  });

  it('leave causes and remedies printable and bounded', () => {
    for (const text of hostileNames) {
      for (const [, { cause, remedy }] of entries) {
        const words = `${cause(hostile(text))}${remedy(hostile(text))}`;
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(words).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
        expect(words.length).toBeLessThan(1_500);
      }
    }
  });
});
