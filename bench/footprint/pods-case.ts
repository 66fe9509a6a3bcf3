/** The agent with a thousand pods on its node, all of them attached: at work, then at rest. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attachAnnotations, benchPod } from '../attach/bench-pods.js';
import { Stage } from '../attach/stage.js';
import { ms, type Section } from '../table.js';
import type { Effort } from './effort.js';
import { IdleAgent } from './idle-agent.js';
import { daemonLine } from './peers.js';
import { Program } from './program.js';
import { atRest } from './rest.js';

/** vswitchd takes longer with each device that it opens. */
const readyMsMax = 300_000;

/** @param hasOvn with a real OVN, whose controller is measured too */
export async function podsCase(podCount: number, hasOvn: boolean, rssMbMax: number, effort: Effort): Promise<Section> {
  using program = Program.bundle();
  const pods = Array.from({ length: podCount }, (_unused, index) => benchPod(index + 1));
  await using stage = await Stage.start({ pods, hasOvn });
  const dir = join(stage.ovs.dir, 'agent');
  await mkdir(dir);
  const configFile = join(dir, 'config.json');
  await writeFile(configFile, JSON.stringify(await stage.configOf(dir)));
  await using agent = await IdleAgent.start(program.file, configFile);
  const before = agent.doings();
  const startedMs = performance.now();
  for (const pod of pods) {
    stage.annotate(pod, attachAnnotations(pod, stage.nextSandbox()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { statuses } = stage;
  const areReady = (): boolean => pods.every(({ name }) => statuses.readyMs.has(name));
  await statuses.waiters.until(areReady, 'all are ready', readyMsMax).catch((cause: unknown) => {
    throw new Error(agent.words(), { cause });
  });
  const tookMs = performance.now() - startedMs;
  const { cpuMs, diskBytes } = agent.since(before);
  const lines = [
    { what: `${podCount} pods attached at once, all Ready after`, value: ms(tookMs) },
    { what: 'meanwhile: processor, of one pod', value: ms(cpuMs / podCount) },
    { what: 'meanwhile: written to disk', value: `${diskBytes} bytes` },
    ...(await atRest(agent, rssMbMax, effort)),
  ];
  const { ovn } = stage;
  if (ovn !== undefined) lines.push(await daemonLine('ovn-controller', join(ovn.dir, 'run'), effort));
  return { title: `footprint: ${podCount} pods${hasOvn ? ' with OVN' : ''}, all attached`, lines };
}
