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
const attachAndWrite: Values = { ...attach, config: { ...(attach['config'] as Values), agent: { repair: 'on' } } };
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
      .flatMap(([name, shape]) => valueNames(name, shape, schema.definitions))
      .filter((name) => !readme.includes(`| \`${name}\` |`));
    expect(undescribed).toEqual([]);
  });
});

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly definitions?: Readonly<Record<string, Shape>>;
  readonly $ref?: string;
}

/** Names of values as the reference has them: of a map that is described as a whole, its own. */
function valueNames(name: string, reference: Shape, definitions: Shape['definitions']): readonly string[] {
  const shape = definitions?.[reference.$ref?.replace('#/definitions/', '') ?? ''] ?? reference;
  const whole = new Set([
    'config',
    'resources',
    'rights.seccompProfile',
    'metrics.podMonitor.ca',
    'metrics.serviceMonitor.ca',
  ]);
  if (whole.has(name) || shape.properties === undefined) return [name];
  return Object.entries(shape.properties).flatMap(([key, inner]) => valueNames(`${name}.${key}`, inner, definitions));
}

describe('every object', () => {
  const hostCluster = (file: string): readonly KubeObject[] =>
    objectsIn(readFileSync(join(root, 'deploy/host-cluster', file), 'utf8'));

  it('is one that the published API knows, to the last key', async () => {
    const all = [
      ...presets().flatMap(([, values]) => renderObjects(values)),
      ...(await kustomized('upstream', 'attach', 'monitoring')),
      ...(await kustomized('openshift', 'attach-openshift', 'monitoring-openshift')),
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
      ['attach-openshift', 'monitoring-openshift'],
      { platform: 'openshift', preset: 'dpuNetworkOperator', ...attach, ...monitored },
    ],
  ])('are what the chart makes: %s', async (_, overlay, components, values) => {
    const plain = await kustomized(overlay, ...components);
    const chart = withoutConfig({ ...values, namespace: { create: true } });
    expect(byName(plain.filter(isOurs))).toEqual(byName(chart.filter(isOurs)));
  });

  it('take the configuration that is put in their place under the same name, so that no pod is started again for it', async () => {
    const objects = await kustomized('upstream', 'attach', 'monitoring', {
      configMapGenerator: [
        { name: 'dpu-node-agent', namespace: 'dpu-node-agent', behavior: 'replace', literals: ['config.yaml=log: {}'] },
      ],
    });
    expect(only(objects, 'DaemonSet')).toEqual(only(await kustomized('upstream', 'attach', 'monitoring'), 'DaemonSet'));
    const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'dpu-node-agent');
    expect(found?.['data']).toEqual({ 'config.yaml': 'log: {}' });
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
    [
      'an amount of no unit',
      { resources: { requests: { 'ephemeral-storage': '64 MB' } } },
      /ephemeral-storage: .*pattern/,
    ],
    ['a resource of no kind', { resources: { limits: { ram: '64Mi' } } }, /limits: .*ram/],
    ['a port below 1024', { http: { port: 80 } }, /http\.port: must be >= 1024/],
    ['a seccomp profile without its file', { rights: { seccompProfile: { type: 'Localhost' } } }, /localhostProfile/],
    [
      'the file of a profile that is not used',
      { rights: { seccompProfile: { localhostProfile: 'a.json' } } },
      /seccompProfile/,
    ],
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
    ['a monitor of nothing', { metrics: { podMonitor: { enabled: true } } }, /need metrics\.expose/],
    ['a monitor of nothing by a Service', { metrics: { serviceMonitor: { enabled: true } } }, /need metrics\.expose/],
    [
      'two monitors of one thing',
      { metrics: { ...exposed, podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
      /scraped twice/,
    ],
    ['probes that nobody answers', { config: { api: { http: { mode: 'off' } } } }, /the probes ask there/],
    ['the same in the YAML of Helm', { config: { api: { http: { mode: false } } } }, /the probes ask there/],
    ['a directory that is not mounted', { config: { agent: { stateDir: '/srv/state' } } }, /nothing else is mounted/],
    ['sockets that are not mounted', { config: { ovs: { runDir: '/srv/ovs' } } }, /nothing else is mounted/],
    [
      "a variable of the chart's own",
      { extraEnv: [{ name: 'DPU_AGENT_API_HTTP_LISTEN', value: '0.0.0.0:1' }] },
      /set by the chart/,
    ],
    ['an address twice', { config: { api: { http: { listen: '127.0.0.1:1' } } } }, /follow from http\.port/],
    ['a share with OnDelete', { updateStrategy: { type: 'OnDelete', maxUnavailable: '10%' } }, /is for RollingUpdate/],
  ])('are refused: %s', (_, values, words) => {
    expect(() => renderObjects(values)).toThrow(words);
  });

  it.each<[string, Values, Values]>([
    ['the label of the preset', {}, { 'k8s.ovn.org/dpu': '' }],
    ['another value of it', { 'k8s.ovn.org/dpu': 'true' }, { 'k8s.ovn.org/dpu': 'true' }],
    ['a further one', { rack: 'a' }, { 'k8s.ovn.org/dpu': '', rack: 'a' }],
  ])('choose nodes, each label once: %s', (_, nodeSelector, wanted) => {
    expect(podSpec(renderObjects({ nodeSelector })).nodeSelector).toEqual({ 'kubernetes.io/os': 'linux', ...wanted });
  });

  it('are told after the installation', () => {
    expect(renderNotes({})).toMatch(/reads and reports, and writes nothing/);
    expect(renderNotes(attachAndWrite)).toMatch(/attaches pods[\s\S]*pod-security/);
    expect(renderNotes(attach)).toMatch(/writes nothing[\s\S]*no pod is attached/);
    expect(renderNotes(attach)).not.toMatch(/attaches pods/);
    expect(renderNotes({ config: { agent: { repair: true } } })).not.toMatch(/writes nothing/);
    const foreign = renderNotes({ existingConfigMap: 'ours' });
    expect(foreign).toMatch(/What it does is in ConfigMap ours/);
    expect(foreign).not.toMatch(/writes nothing/);
    // What a namespace of the chart has, one made by hand has to have too.
    const namespaceOf = (values: Values): KubeObject =>
      only(renderObjects({ ...values, namespace: { create: true } }), 'Namespace');
    const openshift = { platform: 'openshift' };
    const { labels = {}, annotations = {} } = namespaceOf(openshift).metadata as KubeObject['metadata'] & {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    const needed = Object.entries({ ...labels, ...annotations }).filter(([key]) => !/\/(audit|warn)$/.test(key));
    expect(needed.length).toBeGreaterThan(4);
    for (const [key, value] of needed) expect(renderNotes(openshift)).toContain(`${key}=${value}`);
  });

  it('leave no trace of the YAML that Helm reads them by: on and off are words, as in the file', () => {
    const config = {
      agent: { repair: true },
      attach: { mode: false },
      offload: { mode: false, flows: false },
      api: { grpc: { mode: false, reflection: false }, http: { mode: true, representors: true } },
    };
    const { data } = only(renderObjects({ config }), 'ConfigMap') as unknown as {
      readonly data: Readonly<Record<string, string>>;
    };
    expect(objectsIn(data['config.yaml'] ?? '')).toEqual([
      {
        agent: { repair: 'on' },
        attach: { mode: 'off' },
        offload: { mode: 'off', flows: 'off' },
        api: { grpc: { mode: 'off', reflection: false }, http: { mode: 'on', representors: true } },
      },
    ]);
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

/** The objects of the values that the guide shows: the YAML after a first line that says so. */
function objectsOfGuide(mention: string): readonly KubeObject[] {
  const guide = readFileSync(join(root, 'docs/install-kubernetes.md'), 'utf8');
  const texts = [...guide.matchAll(/^( *)```yaml\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), '').replace('sha256:…', `sha256:${'0'.repeat(64)}`),
  );
  const text = texts.find((each) => each.includes(mention));
  if (text === undefined) throw new Error(`the guide has no values with ${mention}`);
  return renderObjects(objectsIn(text)[0] as unknown as Values);
}

describe('the values that the guide shows', () => {
  it('attach pods: the agent writes, and may', () => {
    const objects = objectsOfGuide('# values.yaml');
    const { data } = only(objects, 'ConfigMap') as unknown as { readonly data: Readonly<Record<string, string>> };
    const { config } = loadConfig({ text: data['config.yaml'] ?? '', env: {}, sets: [] });
    expect(config).toMatchObject({ agent: { repair: 'on' }, attach: { mode: 'attach' } });
    expect(podSpec(objects).containers[0].securityContext.capabilities.add).toEqual(['NET_ADMIN']);
  });

  it('have the agents scraped, with alerts and dashboards', () => {
    const kinds = objectsOfGuide('podMonitor:').map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['PodMonitor', 'PrometheusRule', 'ConfigMap']));
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
    const use = { apiGroups: ['security.openshift.io'], resources: ['securitycontextconstraints'], verbs: ['use'] };
    for (const rule of rulesOf(objects, 'dpu-node-agent')) {
      expect(rule).toEqual({ ...use, resourceNames: ['dpu-node-agent'] });
    }
    expect(objects.filter(({ kind }) => /^Cluster/.test(kind))).toEqual([]);
    // Name servers of the cluster are behind the network that the agent looks after.
    expect(spec.dnsPolicy).toBe('Default');
  });

  it("are joined by those of OpenShift's Prometheus, to list what it scrapes, and by no others", () => {
    const openshift = { platform: 'openshift', preset: 'dpuNetworkOperator' };
    const monitoredBy = (name: string): readonly KubeObject[] =>
      renderObjects({ ...openshift, metrics: { ...exposed, [name]: { enabled: true } } });
    const look = { verbs: ['get', 'list', 'watch'] };
    expect(rulesOf(monitoredBy('podMonitor'), 'prometheus-k8s')).toEqual([
      { apiGroups: [''], resources: ['pods'], ...look },
    ]);
    expect(rulesOf(monitoredBy('serviceMonitor'), 'prometheus-k8s')).toEqual([
      { apiGroups: [''], resources: ['pods', 'services', 'endpoints'], ...look },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], ...look },
    ]);
    expect(rulesOf(renderObjects(openshift), 'prometheus-k8s')).toEqual([]);
  });

  it.each([0, 65532])('are enough to read what is mounted of Secrets: user %i', (runAsUser) => {
    const spec = podSpec(
      renderObjects({
        rights: { runAsUser, runAsGroup: runAsUser },
        api: { grpcTlsSecret: 'dpu-node-agent-grpc' },
        hostCluster: { credentials: { source: 'secret', secretName: 'host-cluster' } },
        metrics: exposed,
      }),
    );
    const secrets = spec.volumes.flatMap(({ secret }) =>
      secret === undefined ? [] : [secret as { readonly defaultMode: number }],
    );
    expect(secrets).toHaveLength(4);
    // A kubelet gives them to root, and to the group fsGroup where there is one.
    const { runAsGroup, supplementalGroups = [], fsGroup = 0 } = spec.securityContext;
    const groups = [runAsGroup, ...supplementalGroups];
    for (const { defaultMode } of secrets) {
      expect(defaultMode & 0o007).toBe(0);
      const isOwner = runAsUser === 0 && (defaultMode & 0o400) !== 0;
      const isOfGroup = groups.includes(fsGroup) && (defaultMode & 0o040) !== 0;
      expect(isOwner || isOfGroup).toBe(true);
    }
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
      seLinuxContext: constraints['seLinuxContext'],
      seccomp: constraints['seccompProfiles'],
    });
    // Without a level the constraints would demand that of the namespace, which a pod cannot know beforehand.
    expect(spec.securityContext.seLinuxOptions).toEqual({ type: 'spc_t', level: 's0' });
    const volumes = new Set(constraints['volumes'] as readonly string[]);
    const kinds = spec.volumes.map((volume) => Object.keys(volume).find((key) => key !== 'name'));
    expect(kinds.filter((kind) => !volumes.has(kind ?? ''))).toEqual([]);
  });
});

/** What the roles allow that are bound to an account. */
function rulesOf(objects: readonly KubeObject[], account: string): readonly unknown[] {
  interface Reference {
    readonly kind: string;
    readonly name: string;
  }
  const bound = objects
    .filter(({ kind }) => kind === 'RoleBinding')
    .filter(({ subjects }) => (subjects as readonly Reference[]).some(({ name }) => name === account))
    .map(({ roleRef }) => roleRef as Reference);
  return bound.flatMap(({ kind, name }) => {
    const role = objects.find((object) => object.kind === kind && object.metadata.name === name);
    if (role === undefined) throw new Error(`there is no ${kind} ${name}`);
    return role['rules'];
  });
}

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
    seLinuxContext: { type: 'MustRunAs', seLinuxOptions: securityContext.seLinuxOptions },
    seccomp: [securityContext.seccompProfile.type === 'RuntimeDefault' ? 'runtime/default' : 'localhost'],
  };
}
