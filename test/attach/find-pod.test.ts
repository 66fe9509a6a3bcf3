import { describe, expect, it } from 'vitest';
import { findPod, networksOn, requireNetwork, similarPods } from '../../src/attach/find-pod.js';
import { factsOf, viewOf } from './pod-facts.js';

const question = { namespace: 'shop', name: 'web-0' };

describe('a pod by its name', () => {
  it('is the one that stays, when another of that name is going', () => {
    const going = factsOf({ uid: 'old', isDeleting: true });
    const staying = factsOf({ uid: 'new' });
    expect(findPod(question, [going, staying])?.uid).toBe('new');
    expect(findPod(question, [going])?.uid).toBe('old');
    expect(findPod({ ...question, namespace: 'other' }, [staying])).toBeUndefined();
  });

  it('is suggested when it is the same elsewhere, goes on, or has one letter wrong', () => {
    const names = ['shop/web-0', 'shop/web-00', 'shop/wed-0', 'shop/eb-0', 'shop/api-7', 'other/web-0', 'other/web-1'];
    const pods = names.map((label) => {
      const [namespace = '', name = ''] = label.split('/');
      return factsOf({ namespace, name });
    });
    expect(similarPods(question, pods)).toEqual([
      'other/web-0',
      'shop/eb-0',
      'shop/web-0',
      'shop/web-00',
      'shop/wed-0',
    ]);
  });

  it('has the networks of its details and those with an address, and no others', () => {
    const facts = factsOf({ attachments: [viewOf()], addressed: ['default', 'shop/blue'] });
    expect(() => requireNetwork('shop/blue', facts)).not.toThrow();
    expect(() => requireNetwork(undefined, facts)).not.toThrow();
    expect(() => requireNetwork('shop/red', facts)).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', remedy: 'It has: default, shop/blue.' }),
    );
  });

  it('is found by the device that it is plugged by', () => {
    const facts = factsOf({ attachments: [viewOf({ device: 'pf0vf3' })] });
    expect(networksOn('pf0vf3', [facts])).toEqual([{ namespace: 'shop', name: 'web-0', network: 'default' }]);
    expect(networksOn('pf0vf4', [facts])).toEqual([]);
  });
});
