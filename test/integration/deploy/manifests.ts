/** The manifests as a cluster gets them: rendered by the project's script from the chart, by kubectl from the kustomizations. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import type { KubeObject } from './object-types.js';

const run = promisify(execFile);
export const root = join(import.meta.dirname, '../../..');
const script = join(root, 'scripts/render-manifests.mjs');

export type Values = Readonly<Record<string, unknown>>;

/** Kubernetes reads YAML 1.1. */
export function objectsIn(text: string): readonly KubeObject[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

interface Renderer {
  /** @throws Error with the words of the schema or the chart */
  readonly renderObjects: (values: Values) => readonly KubeObject[];
  /** What helm shows after an installation. */
  readonly renderNotes: (values: Values) => string;
  /** Files that differ from what is made from the chart, and what belongs into them. */
  readonly staleProducts: () => Promise<readonly (readonly [string, string])[]>;
}

export const { renderObjects, renderNotes, staleProducts } = (await import(script)) as Renderer;

/** Values of the golden files, by name. */
export function presets(): readonly (readonly [string, Values])[] {
  const dir = join(root, 'deploy/helm/dpu-node-agent/ci');
  return readdirSync(dir).map((file) => [file, parse(readFileSync(join(dir, file), 'utf8')) as Values]);
}

/** The objects of an overlay with components and further lines, as `kubectl apply -k` would send them. */
export async function kustomized(
  overlay: string,
  ...added: readonly (string | Readonly<Record<string, unknown>>)[]
): Promise<readonly KubeObject[]> {
  const { stdout: version } = await run('kubectl', ['version', '--client']);
  const [, kustomize = '0'] = /Kustomize Version: v(\d+)/.exec(version) ?? [];
  if (Number(kustomize) < 5) throw new Error(`kubectl 1.27 or newer is needed, with kustomize 5; found:\n${version}`);
  const dir = await mkdtemp(join(tmpdir(), 'kustomization-'));
  try {
    const path = (...names: readonly string[]): string => relative(dir, join(root, 'deploy/kustomize', ...names));
    const lines = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [path('overlays', overlay)],
      components: added.filter((each) => typeof each === 'string').map((name) => path('components', name)),
    };
    await writeFile(
      join(dir, 'kustomization.yaml'),
      JSON.stringify(Object.assign(lines, ...added.filter((each) => typeof each !== 'string'))),
    );
    const { stdout } = await run('kubectl', ['kustomize', dir], { maxBuffer: 64 << 20 });
    return objectsIn(stdout);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The one object of a kind. @throws Error when there is none */
export function only(objects: readonly KubeObject[], kind: string): KubeObject {
  const [found] = objects.filter((object) => object.kind === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return found;
}

export interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly securityContext: {
    readonly capabilities: { readonly add?: readonly string[]; readonly drop: readonly string[] };
    readonly privileged: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
  };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly host?: string; readonly scheme?: string };
}

export interface PodSpec {
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly dnsPolicy: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly containers: readonly [Container];
  readonly volumes: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly supplementalGroups?: readonly number[];
    readonly fsGroup?: number;
    readonly seccompProfile: { readonly type: string };
    readonly seLinuxOptions?: { readonly type: string; readonly level: string };
  };
}

export function podSpec(objects: readonly KubeObject[]): PodSpec {
  const { spec } = only(objects, 'DaemonSet') as unknown as { readonly spec: { template: { spec: PodSpec } } };
  return spec.template.spec;
}
