import { describe, expect, it } from 'vitest';
import { readPods, attachOf, type PodsContent } from '../../src/cli/read-pods.js';
import { explain, findPod, similarPods } from '../../src/cli/why-command.js';
import type { PodsFileContent } from '../../src/adapters/pods-file.js';
import { systemClock } from '../../src/lib/clock.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { factsOf, lookWallMs, viewOf } from '../attach/pod-facts.js';
import { agentStatus } from './attach-shapes.js';

const question = { namespace: 'shop', name: 'web-0', network: undefined };
const none: PodsContent = { wallMs: 0, pods: [] };
const noSwitch = '/nonexistent/openvswitch';

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
});

describe('the explanation of a pod', () => {
  it('says of a switch that does not answer that it was not asked, and is whole without it', async () => {
    const explanation = await explain(agentStatus(), { wallMs: 0, pods: [factsOf()] }, question, noSwitch, systemClock);
    const flows = explanation.ladders[0]?.rungs.find(({ name }) => name === 'flows');
    expect(flows?.seen).toContain('not asked: bridge br-int does not answer');
    expect(explanation.isOk).toBe(true);
  });

  it('of one that is not listed suggests others', async () => {
    const pods = [factsOf({ name: 'web-1', attachments: [] })];
    const explanation = await explain(agentStatus(), { wallMs: 0, pods }, question, noSwitch, systemClock);
    expect(explanation.isOk).toBe(false);
    expect(explanation.ladders[0]?.rungs[0]?.diagnosis?.command).toBe('dpuctl why pod shop/web-1');
  });

  it('refuses a network that the pod has not, and names those that it has', async () => {
    const pods = [factsOf({ attachments: [viewOf()], addressed: ['default', 'shop/blue'] })];
    const asked = explain(
      agentStatus(),
      { wallMs: 0, pods },
      { ...question, network: 'shop/red' },
      noSwitch,
      systemClock,
    );
    await expect(asked).rejects.toMatchObject({ code: 'USAGE', remedy: 'It has: default, shop/blue.' });
    const blue = await explain(
      agentStatus(),
      { wallMs: 0, pods },
      { ...question, network: 'shop/blue' },
      noSwitch,
      systemClock,
    );
    expect(blue.ladders.map(({ verdict }) => verdict)).toEqual(['nothing']);
  });

  it('is refused where the agent does not look at pods', async () => {
    const status = agentStatus({ attach: undefined });
    expect(() => attachOf(status)).toThrow(expect.objectContaining({ code: 'NOT_CONNECTED' }));
    await expect(explain(status, none, question, noSwitch, systemClock)).rejects.toMatchObject({
      code: 'NOT_CONNECTED',
    });
  });
});

describe('the file of the pods', () => {
  const inFolder = <T>(text: string | undefined, use: (dir: string) => T): T => {
    const dir = mkdtempSync(join(tmpdir(), 'dpuctl-pods-'));
    try {
      if (text !== undefined) writeFileSync(join(dir, 'pods.json'), text);
      return use(dir);
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  it('is read as the agent writes it', () => {
    const content: PodsFileContent = { wallMs: lookWallMs, nodeName: 'host-a', pods: [factsOf()] };
    expect(inFolder(JSON.stringify(content), readPods)).toEqual(JSON.parse(JSON.stringify(content)));
  });

  it('may not be there yet', () => {
    expect(inFolder(undefined, readPods).pods).toEqual([]);
  });

  it('is refused when it is not whole', () => {
    expect(() => inFolder('{"pods":', readPods)).toThrow(
      expect.objectContaining({
        code: 'NOT_CONNECTED',
        remedy: expect.stringContaining('restart the agent') as string,
      }),
    );
  });
});
