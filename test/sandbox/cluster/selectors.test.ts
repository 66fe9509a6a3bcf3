import { describe, expect, it } from 'vitest';
import { parseFieldSelector } from '../../../src/sandbox/cluster/field-selector.js';
import { parseLabelSelector } from '../../../src/sandbox/cluster/label-selector.js';
import { typeByPlural } from '../../../src/sandbox/cluster/resource-types.js';

const pods = typeByPlural('', 'v1', 'pods')!;
const events = typeByPlural('events.k8s.io', 'v1', 'events')!;

describe('a label selector', () => {
  const web = { metadata: { labels: { app: 'web', tier: 'front', 'k8s.ovn.org/dpu-host': '', n: '5' } } };

  it.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app!=web', false],
    ['other!=web', true],
    ['app in (web, db)', true],
    ['app in (db)', false],
    ['app notin (db),tier=front', true],
    ['other notin (db)', true],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['k8s.ovn.org/dpu-host=', true],
    ['k8s.ovn.org/dpu-host', true],
    ['n>4', true],
    ['n<4', false],
    ['app=web,tier=back', false],
  ])('%j decides %s', (text, expected) => {
    expect(parseLabelSelector(text)(web)).toBe(expected);
  });

  it.each(['app in web', 'a b', '=x', 'app=we b', 'app=(', '-a=b'])('%j is a bad request', (text) => {
    expect(() => parseLabelSelector(text)).toThrow(/unable to parse/);
  });
});

describe('a field selector', () => {
  const pod = { metadata: { name: 'a', namespace: 'n' }, spec: { nodeName: 'host-1' }, status: { phase: 'Running' } };

  it.each([
    ['spec.nodeName=host-1', true],
    ['spec.nodeName=host-2', false],
    ['spec.nodeName!=host-2,status.phase!=Failed', true],
    ['metadata.name=a,metadata.namespace==n', true],
    ['spec.hostNetwork=false', true],
    ['status.podIP=', true],
  ])('%j decides %s', (text, expected) => {
    expect(parseFieldSelector(text, pods)(pod)).toBe(expected);
  });

  it('takes escaped commas as part of a value', () => {
    const test = parseFieldSelector(String.raw`metadata.name=a\,b`, pods);
    expect(test({ metadata: { name: 'a,b' } })).toBe(true);
  });

  it('knows the fields of the newer kind of events by its own names', () => {
    const test = parseFieldSelector('regarding.name=web', events);
    expect(test({ involvedObject: { name: 'web' } })).toBe(true);
    expect(() => parseFieldSelector('involvedObject.name=web', events)).toThrow(/not supported/);
  });

  it('is a bad request for a field that the kind does not offer', () => {
    expect(() => parseFieldSelector('spec.foo=1', pods)).toThrow('field label not supported: spec.foo');
    expect(() => parseFieldSelector('nonsense', pods)).toThrow(/invalid selector/);
  });
});
