/** The chart and the plain manifests: what they make, that an API server would take it, and that an agent could run by it. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { dashboard, ruleGroups } from '../../fakes/deployed.js';
import {
  renderNotes,
  renderObjects,
  kustomized,
  objectsIn,
  only,
  podSpec,
  presets,
  staleProducts,
  root,
  type PodSpec,
  type Values,
} from './manifests.js';
import { faultsOf, type KubeObject } from './object-types.js';

const attach: Values = {
  hostCluster: { credentials: { source: 'hostPath' } },
  config: {
    hostCluster: { kubeconfig: '/etc/dpu-node-agent/host-cluster/kubeconfig' },
    attach: { mode: 'attach' },
  },
};
const exposed = { expose: true, tlsSecret: 'dpu-node-agent-http', tokenSecret: 'dpu-node-agent-scrape' };
const monitored: Values = {
  metrics: { ...exposed, podMonitor: { enabled: true }, rules: { enabled: true }, dashboards: { enabled: true } },
};

describe('what is made from the chart', () => {
  it('is as the chart says: manifests, the reference of its values, and the golden files', async () => {
    // Where it does not hold: node scripts/render-manifests.mjs
    expect((await staleProducts()).map(([file]) => file)).toEqual([]);
  });

  it('describes each value that the schema has', () => {
    const readme = readFileSync(join(root, 'deploy/helm/dpu-node-agent/README.md'), 'utf8');
    const schema = JSON.parse(
      readFileSync(join(root, 'deploy/helm/dpu-node-agent/values.schema.json'), 'utf8'),
    ) as Shape;
    const undescribed = Object.entries(schema.properties ?? {})
      .filter(([name]) => name !== 'global')
      .flatMap(([name, shape]) => valueNames(name, shape))
      .filter((name) => !readme.includes(`| \`${name}\` |`));
    expect(undescribed).toEqual([]);
  });
});

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
}

/** Names of values as the reference has them: of a map that is described as a whole, its own. */
function valueNames(name: string, shape: Shape): readonly string[] {
  const whole = new Set(['config', 'resources', 'rights.seccompProfile', 'metrics.podMonitor.ca']);
  if (whole.has(name) || shape.properties === undefined) return [name];
  return Object.entries(shape.properties).flatMap(([key, inner]) => valueNames(`${name}.${key}`, inner));
}

describe('every object', () => {
  const hostCluster = (file: string): readonly KubeObject[] =>
    objectsIn(readFileSync(join(root, 'deploy/host-cluster', file), 'utf8'));

  it('is one that the published API knows, to the last key', async () => {
    const all = [
      ...presets().flatMap(([, values]) => renderObjects(values)),
      ...(await kustomized('upstream', 'attach', 'monitoring')),
      ...(await kustomized('openshift', 'attach-openshift', 'monitoring')),
      ...hostCluster('rbac.yaml'),
      ...hostCluster('admission.yaml'),
    ];
    expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(12);
    expect(faultsOf(all)).toEqual([]);
  });

  it('would be refused with a key too many, a wrong type, or a value that is not allowed', () => {
    const daemonSet = structuredClone(only(renderObjects({}), 'DaemonSet')) as unknown as {
      spec: { template: { spec: Record<string, unknown> }; updateStrategy: Record<string, unknown> };
    };
    daemonSet.spec.template.spec['hostNetworks'] = true;
    daemonSet.spec.updateStrategy['type'] = 7;
    const faults = faultsOf([daemonSet as unknown as KubeObject]).join('\n');
    expect(faults).toMatch(/hostNetworks/);
    expect(faults).toMatch(/number.*string|must be string/);
  });

  it('has names and namespaces that fit together', () => {
    for (const [, values] of presets()) {
      const objects = renderObjects(values);
      const names = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
      const spec = podSpec(objects);
      for (const volume of spec.volumes) {
        const { configMap } = volume as { readonly configMap?: { readonly name: string } };
        if (configMap !== undefined) expect(names).toContain(`ConfigMap/${configMap.name}`);
      }
      const volumes = spec.volumes.map(({ name }) => name).sort();
      expect(spec.containers[0].volumeMounts.map(({ name }) => name).sort()).toEqual(volumes);
    }
  });
});

describe('the plain manifests', () => {
  /** By kind and name, with volumes in the order of their names: these orders mean nothing. */
  const byName = (objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> => {
    for (const object of objects.filter(({ kind }) => kind === 'DaemonSet')) {
      const { volumes, containers } = podSpec([object]);
      const order = (one: { readonly name: string }, other: { readonly name: string }): number =>
        one.name < other.name ? -1 : 1;
      for (const list of [volumes, containers[0].volumeMounts]) (list as { readonly name: string }[]).sort(order);
    }
    return new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
  };
  const isOurs = ({ kind, metadata }: KubeObject): boolean =>
    kind !== 'PrometheusRule' && !(kind === 'ConfigMap' && metadata.name !== 'dpu-node-agent');

  /** The configuration is put in by whoever installs it; here it is that of the base. */
  const withoutConfig = (values: Values): readonly KubeObject[] => {
    const config = only(renderObjects({}), 'ConfigMap');
    return renderObjects(values).map((object) =>
      object.kind === 'ConfigMap' && object.metadata.name === 'dpu-node-agent' ? config : object,
    );
  };

  it.each<[string, string, readonly string[], Values]>([
    ['upstream', 'upstream', [], {}],
    ['upstream, attaching, monitored', 'upstream', ['attach', 'monitoring'], { ...attach, ...monitored }],
    ['OpenShift', 'openshift', [], { platform: 'openshift', preset: 'dpuNetworkOperator' }],
    [
      'OpenShift, attaching, monitored',
      'openshift',
      ['attach-openshift', 'monitoring'],
      { platform: 'openshift', preset: 'dpuNetworkOperator', ...attach, ...monitored },
    ],
  ])('are what the chart makes: %s', async (_, overlay, components, values) => {
    const plain = await kustomized(overlay, ...components);
    const chart = withoutConfig({ ...values, namespace: { create: true } });
    expect(byName(plain.filter(isOurs))).toEqual(byName(chart.filter(isOurs)));
  });

  it('have the alerts and dashboards as they are', async () => {
    for (const objects of [await kustomized('upstream', 'monitoring'), renderObjects(monitored)]) {
      expect(only(objects, 'PrometheusRule')['spec']).toEqual({ groups: ruleGroups() });
      for (const name of ['node', 'fleet'] as const) {
        const found = objects.find(({ metadata }) => metadata.name === `dpu-node-agent-${name}`);
        const data = found?.['data'] as Readonly<Record<string, string>>;
        expect(JSON.parse(data[`dpu-node-agent-${name}.json`] ?? '')).toEqual(dashboard(name));
      }
    }
  });
});

describe('values', () => {
  it.each<[string, Values, RegExp]>([
    [
      'a key that is not there',
      { preset: 'none', nodeselector: {} },
      /\(root\): .*additional properties.*nodeselector/,
    ],
    ['a key that is not there, further in', { rights: { runAs: 0 } }, /rights: .*runAs/],
    ['a preset that is not there', { preset: 'ovn' }, /preset: .*ovnKubernetes, dpuNetworkOperator/],
    ['a capability beyond', { rights: { capabilities: ['SYS_ADMIN'] } }, /capabilities\.0/],
    ['a port below 1024', { http: { port: 80 } }, /http\.port: must be >= 1024/],
    ['text for a switch', { metrics: { expose: 'yes' } }, /metrics\.expose: must be boolean/],
    ['no label at all', { preset: 'none' }, /preset none needs nodeSelector/],
    [
      'the service account of the pod',
      { config: { hostCluster: { inCluster: true } } },
      /one service account would speak for all/,
    ],
    [
      'a host cluster without credentials',
      { config: { hostCluster: { server: 'https://x' } } },
      /nothing would be mounted/,
    ],
    ['a Secret without a name', { hostCluster: { credentials: { source: 'secret' } } }, /needs secretName/],
    ['attaching without the capability', { ...attach, rights: { capabilities: [] } }, /needs NET_ADMIN/],
    ['a capability for a user', { rights: { runAsUser: 65532, capabilities: ['NET_ADMIN'] } }, /root alone/],
    ['metrics in the clear', { metrics: { expose: true } }, /needs metrics\.tlsSecret/],
    ['a monitor of nothing', { metrics: { podMonitor: { enabled: true } } }, /needs metrics\.expose/],
    ['an address twice', { config: { api: { http: { listen: '127.0.0.1:1' } } } }, /follow from http\.port/],
    ['a share with OnDelete', { updateStrategy: { type: 'OnDelete', maxUnavailable: '10%' } }, /is for RollingUpdate/],
  ])('are refused: %s', (_, values, words) => {
    expect(() => renderObjects(values)).toThrow(words);
  });

  it('are told after the installation', () => {
    expect(renderNotes({})).toMatch(/reads and reports, and writes nothing/);
    expect(renderNotes(attach)).toMatch(/attaches pods[\s\S]*pod-security/);
  });
});

describe('the configuration', () => {
  const readable = presets().filter(([, values]) => values['existingConfigMap'] === undefined);

  it.each(readable)('of %s is one that the agent takes, with the environment of its container', async (_, values) => {
    const objects = renderObjects(values);
    const { data } = only(objects, 'ConfigMap') as unknown as { readonly data: Readonly<Record<string, string>> };
    const [container] = podSpec(objects).containers;
    const env = Object.fromEntries(
      container.env.map(({ name, value = '192.0.2.7' }) => [name, value.replaceAll('$(HOST_IP)', '192.0.2.7')]),
    );
    const dir = await mkdtemp(join(tmpdir(), 'chart-config-'));
    try {
      const file = join(dir, 'config.yaml');
      await writeFile(file, data['config.yaml'] ?? '');
      const { config } = loadConfig({ file, env, sets: [] });
      const { httpGet } = container.livenessProbe;
      const [host = ''] = config.api.http.listen.split(':');
      expect(config.api.http.listen).toMatch(/:9480$/);
      expect(httpGet.host ?? '192.0.2.7').toBe(host);
      expect(httpGet.scheme ?? 'HTTP').toBe(config.api.http.tls === undefined ? 'HTTP' : 'HTTPS');
      // Whatever file the configuration names has to be mounted.
      const mounts = container.volumeMounts.map(({ mountPath }) => mountPath);
      const files = [...JSON.stringify({ config, env }).matchAll(/"(\/etc\/dpu-node-agent\/[^"]+)"/g)];
      for (const [, path = ''] of files) expect(mounts.some((mount) => path.startsWith(`${mount}/`))).toBe(true);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

describe('the rights of a pod', () => {
  it.each(presets())('are few: %s', (_, values) => {
    const objects = renderObjects(values);
    const spec = podSpec(objects);
    const [container] = spec.containers;
    expect(container.securityContext).toMatchObject({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
    expect(writable.map(({ mountPath }) => mountPath)).toEqual(['/run/dpu-node-agent', '/var/lib/dpu-node-agent']);
    const granted = objects
      .filter(({ kind }) => /Role$/.test(kind))
      .flatMap(({ rules }) => rules as readonly unknown[]);
    const use = { apiGroups: ['security.openshift.io'], resources: ['securitycontextconstraints'], verbs: ['use'] };
    for (const rule of granted) expect(rule).toMatchObject({ ...use, resourceNames: ['dpu-node-agent'] });
  });

  const openshift = presets().filter(([, values]) => values['platform'] === 'openshift');
  it.each(openshift)('are those that its constraints on OpenShift allow, and no more: %s', (_, values) => {
    const objects = renderObjects(values);
    const spec = podSpec(objects);
    const constraints = only(objects, 'SecurityContextConstraints');
    expect(needsOf(spec)).toEqual({
      allowHostNetwork: constraints['allowHostNetwork'],
      allowHostPID: constraints['allowHostPID'],
      allowHostDirVolumePlugin: constraints['allowHostDirVolumePlugin'],
      allowPrivilegedContainer: constraints['allowPrivilegedContainer'],
      allowPrivilegeEscalation: constraints['allowPrivilegeEscalation'],
      allowedCapabilities: constraints['allowedCapabilities'],
      uid: (constraints['runAsUser'] as { readonly uid: number }).uid,
      seLinuxType: 'spc_t',
      seccomp: constraints['seccompProfiles'],
    });
    const volumes = new Set(constraints['volumes'] as readonly string[]);
    const kinds = spec.volumes.map((volume) => Object.keys(volume).find((key) => key !== 'name'));
    expect(kinds.filter((kind) => !volumes.has(kind ?? ''))).toEqual([]);
  });
});

/** What a pod asks for, in the words of the constraints. */
function needsOf({ hostNetwork, hostPID, volumes, containers, securityContext }: PodSpec): object {
  const [{ securityContext: own }] = containers;
  return {
    allowHostNetwork: hostNetwork,
    allowHostPID: hostPID,
    allowHostDirVolumePlugin: volumes.some((volume) => 'hostPath' in volume),
    allowPrivilegedContainer: own.privileged,
    allowPrivilegeEscalation: own.allowPrivilegeEscalation,
    allowedCapabilities: own.capabilities.add ?? [],
    uid: securityContext.runAsUser,
    seLinuxType: securityContext.seLinuxOptions?.type,
    seccomp: [securityContext.seccompProfile.type === 'RuntimeDefault' ? 'runtime/default' : 'localhost'],
  };
}
