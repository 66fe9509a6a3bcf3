import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatFlow, formatFlowMod, versionName, versionsSpoken } from '../../../src/openflow/index.js';
import type { FlowMod, Version } from '../../../src/openflow/index.js';
import { ByteWriter } from '../../../src/openflow/wire/byte-writer.js';
import { encodeFlowMod } from '../../../src/openflow/wire/flow-mod.js';
import { encodeInstructions } from '../../../src/openflow/wire/instructions.js';
import { decodeMessage } from '../../../src/openflow/wire/message.js';
import { flowMod } from '../../openflow/support/arbitrary.js';
import { BridgeLab, collect } from './bridge.js';

const run = promisify(execFile);
let bridge: BridgeLab;

beforeAll(async () => {
  bridge = await BridgeLab.start();
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
});

const seed = 20_260_821;
const samples: readonly FlowMod[] = fc.sample(flowMod, { numRuns: 120, seed });

function bytesOf(version: Version, mod: FlowMod): Uint8Array {
  const writer = new ByteWriter();
  encodeFlowMod(writer, version, 0, mod);
  return writer.take();
}

/** Runs a command of ovs-ofctl with text as its input. */
async function ofctl(args: readonly string[], input: string | Uint8Array): Promise<string> {
  const child = run('ovs-ofctl', [...args], { env: bridge.lab.env, timeout: 20_000, maxBuffer: 64 << 20 });
  child.child.stdin?.end(input);
  return (await child).stdout;
}

describe.each(versionsSpoken.map((version) => [versionName(version), version] as const))(
  'random flows over %s',
  (name, version) => {
    it('read the same for us and for ofp-print', async () => {
      const messages = samples.map((mod) => bytesOf(version, mod));
      const printed = await ofctl(['ofp-parse', '-'], Buffer.concat(messages));
      const theirs = printed.split('\n').filter((line) => line.startsWith('OFPT_FLOW_MOD'));
      const ours = messages.map((bytes) => {
        const { body } = decodeMessage(bytes);
        return body.kind === 'flowMod' ? formatFlowMod(body.mod) : body.kind;
      });
      expect(theirs.map((line) => line.split('(xid=0x0): ')[1])).toEqual(ours);
    });

    it('are written in the canonical form', async () => {
      const lines = samples.map(({ instructions = {} }) => {
        const writer = new ByteWriter();
        encodeInstructions(writer, version, instructions);
        return Buffer.from(writer.take()).toString('hex');
      });
      const text = await ofctl(['parse-instructions', name], lines.filter((line) => line !== '').join('\n'));
      // After the text of an action list come lines for each byte that Open vSwitch would write differently.
      expect(text.split('\n').filter((line) => /^ *\d+: [0-9a-f(]/.test(line))).toEqual([]);
      expect(text).not.toContain('bad ');
    });

    it('survive our decoding unchanged', () => {
      for (const mod of samples) {
        const bytes = bytesOf(version, mod);
        const { body } = decodeMessage(bytes);
        const again = body.kind === 'flowMod' ? bytesOf(version, body.mod) : undefined;
        expect(again).toEqual(bytes);
      }
    });

    it('are dumped alike by us and by ovs-ofctl, whoever installed them', async () => {
      await bridge.lab.ofctl('del-flows', 'br0');
      const client = await bridge.client({ versions: [version] });
      await client.bundle(samples);
      const installed = await dumpBoth(name, client.dumpFlows());
      expect(installed.ours).toEqual(installed.theirs);
      expect(installed.ours.length).toBeGreaterThan(100);
      // ovs-ofctl cannot read an IPv6 address with a long mask back that it printed itself.
      const readable = installed.theirs.filter((line) => !/\/[0-9a-f:]{18,}/.test(line));
      await bridge.lab.ofctl('del-flows', 'br0');
      await ofctl(['-O', name, '--bundle', 'add-flows', 'br0', '-'], readable.join('\n'));
      const reinstalled = await dumpBoth(name, client.dumpFlows());
      expect(reinstalled.ours).toEqual(readable);
    });
  },
);

async function dumpBoth(
  name: string,
  flows: Parameters<typeof collect>[0],
): Promise<{ readonly ours: readonly string[]; readonly theirs: readonly string[] }> {
  const text = await bridge.lab.ofctl('-O', name, '--no-stats', '--no-names', 'dump-flows', 'br0');
  const theirs = text.split('\n').filter((line) => line.includes('actions='));
  const ours = (await collect(flows)).map((flow) => formatFlow(flow as Parameters<typeof formatFlow>[0]));
  return { ours: ours.sort(), theirs: theirs.map((line) => line.trim()).sort() };
}
