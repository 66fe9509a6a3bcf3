/** The agent at rest, with so many ports in its care. */
import type { Section } from '../table.js';
import type { Effort } from './effort.js';
import { IdleAgent } from './idle-agent.js';
import { IdleSwitch } from './idle-switch.js';
import { daemonLine, pythonLine } from './peers.js';
import { Program } from './program.js';
import { atRest, scraped } from './rest.js';

export async function portsCase(portCount: number, rssMbMax: number, effort: Effort): Promise<Section> {
  using program = Program.bundle();
  await using idleSwitch = await IdleSwitch.start(portCount);
  await using agent = await IdleAgent.start(program.file, idleSwitch.configFile);
  const own = [...(await atRest(agent, rssMbMax, effort)), await scraped(agent, effort)];
  const { lab } = idleSwitch;
  const lines = [...own, await pythonLine(lab, effort), await daemonLine('ovs-vswitchd', lab.runDir, effort)];
  return { title: `footprint: ${portCount} ports`, lines };
}
