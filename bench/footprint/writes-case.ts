/** What the agent writes to its disk while it is busy: each bundle of an owner is stored, and each chain that changes with it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/cli/api-client.js';
import { BundleSchema, IntentService } from '../../src/gen/proto/dpu/agent/v1/intent_pb.js';
import { systemClock } from '../../src/lib/clock.js';
import { wordsToMessage } from '../../src/words/words-to-message.js';
import { atMost, type Section } from '../table.js';
import type { Effort } from './effort.js';
import { IdleAgent } from './idle-agent.js';
import { IdleSwitch } from './idle-switch.js';
import { Program } from './program.js';

const changeCount = 50;
/** For each bundle that is applied: two files of some pages, synced, renamed, with their directories. */
const kilobytesMax = 128;

/** Ten chains between two bridges, all of another MTU. */
function bundleOf(mtu: number): unknown {
  const bridges = ['br-sfc', 'br-a', 'br-b'].map((name) => ({ name, datapathType: 'netdev', failMode: 'secure' }));
  const patch = (bridge: string, index: number): object => ({ kind: 'patch', bridge, name: `p-${bridge}-${index}` });
  const chains = Array.from({ length: 10 }, (_unused, index) => ({
    name: `chain-${index}`,
    mtu,
    switches: [{ ports: [patch('br-a', index), patch('br-b', index)] }],
  }));
  return { bridges, chains };
}

export async function writesCase(effort: Effort): Promise<Section> {
  using program = Program.bundle();
  await using idleSwitch = await IdleSwitch.start(0);
  await using agent = await IdleAgent.start(program.file, idleSwitch.configFile);
  const path = join(idleSwitch.lab.dir, 'agent', 'api.sock');
  const connection = connect({ kind: 'unix', path }, { clock: systemClock });
  try {
    const intents = connection.service(IntentService);
    const before = agent.doings();
    for (let turn = 1; turn <= changeCount; turn += 1) {
      const words = wordsToMessage(BundleSchema, bundleOf(1400 + turn));
      if (words.problems.length > 0) throw new Error(JSON.stringify(words.problems));
      await intents.apply({ owner: 'bench', generation: BigInt(turn), bundle: words.message });
    }
    await sleep(Math.min(effort.settleMs, 5_000));
    const { diskBytes, cpuMs } = agent.since(before);
    const each = diskBytes / changeCount / 1024;
    return {
      title: `footprint: ${changeCount} bundles of 10 chains, each another one than before`,
      lines: [
        {
          what: 'written to disk, for each bundle',
          value: `${each.toFixed(0)} KB`,
          target: atMost(each, kilobytesMax, `at most ${kilobytesMax} KB`),
        },
        { what: 'at one bundle a minute: written in an hour', value: `${((each * 60) / 1024).toFixed(1)} MB` },
        { what: 'processor, for each bundle', value: `${(cpuMs / changeCount).toFixed(1)} ms` },
      ],
    };
  } finally {
    connection.close();
  }
}
