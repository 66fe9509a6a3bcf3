/**
 * The victim of the power-loss test: stores one generation after the other, deletes the other owner now and then, and says
 * so after each answer, until it is killed. Arguments: the module of the store, the state directory, the first generation.
 */

import { writeSync } from 'node:fs';
import type * as IntentFilesModule from '../../../src/adapters/intent-files.js';

const [, , module = '', stateDir = '', first = '1'] = process.argv;
const { IntentFiles } = (await import(module)) as typeof IntentFilesModule;
const files = new IntentFiles({ stateDir, onAlarm: ({ error }) => writeSync(1, `alarm ${error.message}\n`) });

for (let generation = BigInt(first); ; generation += 1n) {
  const externalIds = { pad: 'x'.repeat(Number((generation * 7_919n) % 4_000n)) };
  const bundle = { bridges: [{ name: 'br-x', externalIds }], ports: [], chains: [], attachments: [] };
  const common = { generation, acceptedWallMs: 1, actor: 'uid:0', idempotencyKey: '', bundle };
  await files.save({ ...common, owner: 'steady' });
  writeSync(1, `steady ${generation}\n`);
  if (generation % 3n === 0n) {
    await files.remove('fleeting');
    writeSync(1, 'fleeting 0\n');
  } else {
    await files.save({ ...common, owner: 'fleeting' });
    writeSync(1, `fleeting ${generation}\n`);
  }
}
