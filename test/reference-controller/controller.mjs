// A small controller of two or more agents, in a process of its own. It knows the published proto files and nothing else of the
// project: they are loaded at run time. Usage: node controller.mjs PLAN.json ADDRESS... ; each step is a line of JSON on stdout.
//
// PLAN.json: {"owner": "fleet", "bundles": [BUNDLE, ...]}; a BUNDLE is dpu.agent.v1.Bundle in proto JSON. Each is brought into
// force on all agents, the next one only when all are ready: so a change that both ends of a path need is made before it is
// broken, when the plan says so by its order. At the end everything is deleted. With "isStepped": true each step but the first
// waits for a line on stdin. An agent that goes away is waited for: what it had accepted is still in force when it is back, and
// a request whose answer was lost is sent again under the same key.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
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
const retryMs = 200;
const options = { 'grpc.initial_reconnect_backoff_ms': retryMs, 'grpc.max_reconnect_backoff_ms': 2_000 };

const callOnce = (client, method, request, deadline) =>
  new Promise((resolve, reject) => {
    const metadata = new grpc.Metadata({ waitForReady: true });
    client[method](request, metadata, { deadline: new Date(deadline) }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });

/** Every request of this controller may be sent twice: Apply has a key, and Delete of nothing is no error. */
async function call(client, method, request) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await callOnce(client, method, request, deadline);
    } catch (error) {
      if (error.code !== grpc.status.UNAVAILABLE || Date.now() >= deadline) throw error;
      await pause(retryMs);
    }
  }
}

/** One agent: its stream of statuses stays open, or is opened again, so that the owner's controller is present all the time. */
function openAgent(address) {
  const client = new IntentService(address, grpc.credentials.createInsecure(), options);
  const waiters = new Set();
  let status;
  let stream;
  let isClosed = false;
  const open = () => {
    if (isClosed) return;
    stream = client.watchStatus({ owner: plan.owner, isController: true });
    stream.on('data', (message) => {
      status = message.status;
      for (const waiter of [...waiters]) waiter();
    });
    stream.on('error', (error) => {
      if (isClosed) return;
      if (error.code !== grpc.status.UNAVAILABLE) tell({ step: 'stream', address, error: error.message });
      // What was said before may no longer hold.
      status = undefined;
      setTimeout(open, retryMs);
    });
  };
  open();
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
  const close = () => {
    isClosed = true;
    stream.cancel();
    client.close();
  };
  return { address, client, reached, close };
}

const input = plan.isStepped ? createInterface({ input: process.stdin }) : undefined;
const lines = input?.[Symbol.asyncIterator]();

async function run() {
  const agents = addresses.map(openAgent);
  try {
    for (const { address, client } of agents) {
      const { intents } = await call(client, 'list', {});
      tell({ step: 'list', address, owners: intents.map(({ owner }) => owner) });
    }
    for (const [index, bundle] of plan.bundles.entries()) {
      if (index > 0) await lines?.next();
      const generation = String(index + 1);
      const request = { owner: plan.owner, generation, idempotencyKey: `${plan.owner}/${generation}`, bundle };
      await Promise.all(agents.map(({ client }) => call(client, 'apply', request)));
      await Promise.all(agents.map(({ reached }) => reached(generation, 'PHASE_READY')));
      tell({ step: 'ready', generation, agents: addresses.length });
    }
    await lines?.next();
    await Promise.all(agents.map(({ client }) => call(client, 'delete', { owner: plan.owner, allowMissing: true })));
    await Promise.all(agents.map(({ reached }) => reached('0', 'PHASE_UNSPECIFIED')));
    tell({ step: 'deleted' });
  } finally {
    for (const { close } of agents) close();
    input?.close();
  }
}

run().catch((error) => {
  tell({ step: 'failed', error: error.message });
  process.exitCode = 1;
});
