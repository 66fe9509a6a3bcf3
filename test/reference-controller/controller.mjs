// A small controller of two or more agents, in a process of its own. It knows the published proto files and nothing else of the
// project: they are loaded at run time. Usage: node controller.mjs PLAN.json ADDRESS... ; each step is a line of JSON on stdout.
//
// PLAN.json: {"owner": "fleet", "bundles": [BUNDLE, ...]}; a BUNDLE is dpu.agent.v1.Bundle in proto JSON. Each is brought into
// force on all agents, the next one only when all are ready: so a change that both ends of a path need is made before it is
// broken, when the plan says so by its order. At the end everything is deleted.

import { readFileSync } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const protoDir = fileURLToPath(new URL('../../proto', import.meta.url));
const definition = loader.loadSync('dpu/agent/v1/intent.proto', {
  includeDirs: [protoDir],
  keepCase: false,
  longs: String,
  enums: String,
  defaults: true,
});
const { IntentService } = grpc.loadPackageDefinition(definition).dpu.agent.v1;

const [planFile, ...addresses] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, 'utf8'));
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const deadlineMs = 30_000;
const call = (client, method, request) =>
  new Promise((resolve, reject) => {
    client[method](request, { deadline: new Date(Date.now() + deadlineMs) }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });

/** One agent: its stream of statuses stays open, so that the owner's controller is present all the time. */
function openAgent(address) {
  const client = new IntentService(address, grpc.credentials.createInsecure());
  const stream = client.watchStatus({ owner: plan.owner });
  const waiters = new Set();
  let status;
  stream.on('data', (message) => {
    status = message.status;
    for (const waiter of [...waiters]) waiter();
  });
  stream.on('error', (error) => {
    if (error.code !== grpc.status.CANCELLED) tell({ step: 'stream', address, error: error.message });
  });
  const reached = (generation, phase) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${address}: not ${phase} in ${deadlineMs} ms`)), deadlineMs);
      const look = () => {
        if (status?.generation !== generation || status.phase !== phase) return;
        clearTimeout(timer);
        waiters.delete(look);
        resolve(status);
      };
      waiters.add(look);
      look();
    });
  return { address, client, stream, reached };
}

async function run() {
  const agents = addresses.map(openAgent);
  try {
    for (const { address, client } of agents) {
      const { intents } = await call(client, 'list', {});
      tell({ step: 'list', address, owners: intents.map(({ owner }) => owner) });
    }
    for (const [index, bundle] of plan.bundles.entries()) {
      const generation = String(index + 1);
      const request = { owner: plan.owner, generation, idempotencyKey: `${plan.owner}/${generation}`, bundle };
      await Promise.all(agents.map(({ client }) => call(client, 'apply', request)));
      await Promise.all(agents.map(({ reached }) => reached(generation, 'PHASE_READY')));
      tell({ step: 'ready', generation, agents: addresses.length });
    }
    await Promise.all(agents.map(({ client }) => call(client, 'delete', { owner: plan.owner })));
    await Promise.all(agents.map(({ reached }) => reached('0', 'PHASE_UNSPECIFIED')));
    tell({ step: 'deleted' });
  } finally {
    for (const { client, stream } of agents) {
      stream.cancel();
      client.close();
    }
  }
}

run().catch((error) => {
  tell({ step: 'failed', error: error.message });
  process.exitCode = 1;
});
