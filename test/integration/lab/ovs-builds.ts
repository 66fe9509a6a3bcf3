/**
 * Which builds of Open vSwitch a test can be run against: the installed one, and, where somebody has put one there, a newer
 * one. From 4.0 on `dummy-pmd` ports simulate full offload (dpif-offload-dummy.c), so that build shows flows "in hardware".
 *
 * `DPU_TEST_OVS` names a directory with `bin/` (ovsdb-server, ovsdb-tool, ovs-vswitchd, ovs-vsctl, ovs-ofctl, ovs-appctl) and
 * `share/openvswitch/vswitch.ovsschema`. Without it the newer build is left out, which is said once, when tests are collected.
 */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { labEnv, type OvsLabOptions } from './ovs.js';

export interface OvsBuild {
  /** As `ovs-vswitchd --version` prints it: `3.1.0`. */
  readonly version: string;
  /** What a lab of this build is started with. */
  readonly lab: Pick<OvsLabOptions, 'prefix'>;
  /** Whether ports of type dummy-pmd carry flows "in hardware". */
  readonly simulatesHardware: boolean;
  /** Whether it has `dpif/offload/show` (3.7 and newer). */
  readonly tellsProviders: boolean;
}

const variable = 'DPU_TEST_OVS';

function versionOf(prefix?: string): string {
  const text = execFileSync('ovs-vswitchd', ['--version'], { env: labEnv('/nonexistent', prefix), encoding: 'utf8' });
  return /\(Open vSwitch\) ([\d.]+)/.exec(text)?.[1] ?? 'unknown';
}

function describeBuild(version: string, lab: OvsBuild['lab']): OvsBuild {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return { version, lab, simulatesHardware: major >= 4, tellsProviders: major >= 4 || (major === 3 && minor >= 7) };
}

/** The installed build. */
export function installedOvs(): OvsBuild {
  return describeBuild(versionOf(), {});
}

/** The build of `DPU_TEST_OVS`. @throws Error when the variable is set, and there is none */
function newerOvs(): OvsBuild | undefined {
  const prefix = process.env[variable] ?? '';
  if (prefix === '') return undefined;
  const files = [join(prefix, 'bin', 'ovs-vswitchd'), join(prefix, 'share', 'openvswitch', 'vswitch.ovsschema')];
  const missing = files.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`${variable}=${prefix}, but there is no ${missing.join(', ')}`);
  return describeBuild(versionOf(prefix), { prefix });
}

/** All builds there are; to be called while tests are collected. */
export function ovsBuilds(): readonly OvsBuild[] {
  const newer = newerOvs();
  const what =
    newer === undefined
      ? `${variable} is not set: no build with simulated hardware (Open vSwitch 4.0) takes part`
      : `Open vSwitch ${newer.version} of ${variable} takes part`;
  process.stderr.write(`offload: ${what}\n`);
  return newer === undefined ? [installedOvs()] : [installedOvs(), newer];
}
