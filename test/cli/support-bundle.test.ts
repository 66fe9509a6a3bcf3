import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { known, unknown, type DoctorFacts } from '../../src/cli/doctor-facts.js';
import { Redactor } from '../../src/cli/redact.js';
import { supportBundle } from '../../src/cli/support-bundle.js';
import { packTar } from '../../src/cli/tar-file.js';
import { ObjectKind } from '../../src/gen/proto/dpu/agent/v1/common_pb.js';
import { JournalService } from '../../src/gen/proto/dpu/agent/v1/journal_pb.js';
import { NodeSchema, StatusSchema } from '../../src/gen/proto/dpu/agent/v1/node_pb.js';
import { OffloadRow_Kind, OffloadService } from '../../src/gen/proto/dpu/agent/v1/offload_pb.js';
import { StatsService } from '../../src/gen/proto/dpu/agent/v1/stats_pb.js';
import { TopologyService } from '../../src/gen/proto/dpu/agent/v1/topology_pb.js';
import { served } from './grpc-server.js';
import { connectTo, recordingContext, startSteering } from './steering.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'support-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Planted in every place where it can stand; none may be in the archive. */
const planted = [
  'bf3-rack7-node12',
  'worker-42.corp.example.net',
  'MT2251X00042',
  'payments',
  'ledger-api-7d9f',
  '8a6f2c1e-0b5d-4d9f-9b1a-1234567890ab',
  'api.cluster.corp.example.net',
  'spire-server-9',
  '0a:58:0a:f4:03:07',
  '0A:58:0A:F4:03:08',
  '00000a580af40307',
  '10.244.3.7',
  '2001:db8:77::9',
  'fe80::858:aff:fef4:307',
  'hunter2secret',
  'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9.c2lnbmF0dXJl',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
  'AbCdEf0123456789AbCdEf0123456789xyz',
  'controller-of-acme',
  // In the configuration only: users of URLs and queries, blocks of YAML, keys of all sorts, comments, data in texts.
  'pw4url',
  'q-access-9f',
  'block-line-one',
  'block-line-two',
  'api-key-value',
  'secretkey-value',
  'accesskey-value',
  'auth-value',
  'community-value',
  'monkey-key-value',
  'nested-item-value',
  'said-in-a-comment',
  'inner-json-value',
  'dXNlcjpwYXNzd29yZA==',
  'alice@corp.example',
  'bob@mail.corp.example',
  'carol-without-mail',
  'node-of-config',
  'config-server.corp.example',
  'ctl.fleet.example',
  'value-of-the-check',
  // In the journal only.
  'web-gone',
  'shop-ns',
  'firewall-0',
  'dpf-ns',
  'lonely-iface',
] as const;

const [host, worker, serial, namespace, pod, uid, server, holder, mac, macUpper, dpid, ip4, ip6, linkLocal] = planted;
const everything = planted.join(' | ');

const facts: DoctorFacts = {
  status: known(
    create(StatusSchema, {
      isReady: true,
      attach: {
        nodeName: worker,
        cluster: { server: `https://${server}:6443/k8s` },
        lease: { holder },
        failures: [{ label: `${namespace}/${pod}`, message: `pod ${pod} has no ${mac}` }],
      },
      conditions: [{ message: `${namespace}_${pod} at ${ip4}, ${linkLocal}`, evidence: { mac: macUpper } }],
    }),
  ),
  offload: unknown('-'),
  node: known(create(NodeSchema, { machine: { hostname: host, serial }, agent: { hostNodeName: worker } })),
  config: known({
    file: '/c.yaml',
    isValid: false,
    text: "c.yaml:4:5: bridges[0].failMode: 'value-of-the-check' is not one of secure, standalone\n 4 | failMode: value-of-the-check",
  }),
  database: unknown(`${host} did not answer at ${ip6}`),
  vswitchd: unknown('-'),
  machine: unknown('-'),
  stateDir: unknown('-'),
  units: unknown('-'),
  configFile: '/c.yaml',
  wallMs: 0,
};

const config = `
agent: { stateDir: /var/lib/dpu-node-agent }
password: hunter2secret
authorization: Bearer ${planted[15]}
caData: |
  -----BEGIN CERTIFICATE-----
  MIIEvQIBADANBgkqhkiG9w0BAQEFAASC
  -----END CERTIFICATE-----
hostCluster: { server: "https://${server}:6443", tokenFile: /run/secrets/kept-path }
grants: [{ identity: spiffe://controller-of-acme/sa, role: controller }, { identity: 'cn:alice@corp.example' }]
other: AbCdEf0123456789AbCdEf0123456789xyz
# said-in-a-comment
proxy: https://user:pw4url@127.0.0.1:3128/?access=q-access-9f
privateKey: |
  block-line-one
  block-line-two
folded_secret: >-
  block-line-one
  block-line-two
api_key: api-key-value
secretKey: secretkey-value
accessKey: accesskey-value
auth: auth-value
community: community-value
monkeyKeys: { a: [monkey-key-value, { b: nested-item-value }] }
options: { user-data: '{"password":"inner-json-value","list":[{"token":"inner-json-value"}]}' }
text: 'he said {\\"password\\":\\"inner-json-value\\"} and authorization: Basic dXNlcjpwYXNzd29yZA=='
other-text: 'Basic dXNlcjpwYXNzd29yZA=='
who: [bob@mail.corp.example, 'cn:carol-without-mail', 'dns:ctl.fleet.example']
nodeName: node-of-config
proxyServer: tcp:config-server.corp.example:6443
`;

function startWorld() {
  const details = [planted.slice(0, 14).join(' '), `${namespace}/${pod}`];
  const external = { 'iface-id': `${namespace}_${pod}`, attached_mac: mac, ip_addresses: `${ip4}/24 ${ip6}/64` };
  const actor = 'spiffe://controller-of-acme/sa';
  return startSteering(
    served(TopologyService, {
      getTopology: () => ({
        objects: [
          {
            ref: { kind: ObjectKind.ATTACHMENT, name: `${namespace}/${pod}` },
            object: { case: 'attachment', value: { namespace, pod, podUid: uid, ifaceId: `${namespace}_${pod}` } },
          },
          {
            ref: { kind: ObjectKind.BRIDGE, name: 'br-int' },
            object: { case: 'bridge', value: { datapathId: dpid, externalIds: external } },
          },
        ],
      }),
    }),
    served(JournalService, {
      listEntries: () => ({
        entries: [
          { sequence: 1n, summary: `plug ${pod}`, details, actor },
          { sequence: 2n, summary: 'attach shop-ns/web-gone by rep0-1', details: ['iface-id: shop-ns_web-gone'] },
          {
            sequence: 3n,
            summary: 'program chain c: service dpf-ns/firewall-0/lonely-iface',
            message: 'config-server.corp.example says {"auth":"secretkey-value"}: node-of-config, block-line-two',
            actor: 'cn:alice@corp.example',
          },
          { sequence: 4n, summary: 'cn:carol-without-mail, dpf-ns/firewall-0 and firewall-0 alone', actor: 'cn:alice' },
        ],
      }),
    }),
    served(StatsService, { getStats: () => ({ rows: [{ key: uid, name: `${namespace}/${pod}`, namespace, pod }] }) }),
    served(OffloadService, {
      getOffloadStatus: () => ({ status: { notes: [`${ip4} is gone`] } }),
      listOffload: () => ({
        rows: [
          {
            key: `attachment/${namespace}/${pod}/default`,
            kind: OffloadRow_Kind.ATTACHMENT,
            name: `${namespace}/${pod}`,
            interface: 'pf0vf3',
            message: `${pod} is in software.`,
          },
        ],
      }),
      listSoftwareFlows: ({ countMax, withRules }) => ({
        flows: [
          {
            match: `in_port(pf0vf3),eth(src=${mac},dst=${macUpper}),ipv4(src=${ip4}),ipv6(dst=${ip6}/128)`,
            actions: `set(eth(dst=${mac})),2`,
            rules: [`table=0, nw_dst=${ip4} actions=output:${String(countMax)}`],
            rulesProblem: String(withRules),
          },
        ],
      }),
    }),
  );
}

/** Files of an archive, unpacked by tar itself. */
function unpack(file: string): ReadonlyMap<string, string> {
  execFileSync('tar', ['-xzf', file, '-C', dir]);
  const folder = join(dir, 'dpuctl-bundle');
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

async function make(isRedacted: boolean, text = config): Promise<ReadonlyMap<string, string>> {
  await using world = await startWorld();
  world.desk.stored.set('fleet', {
    owner: 'fleet',
    generation: 1n,
    acceptedWallMs: 0,
    actor: 'spiffe://controller-of-acme/sa',
    bundle: { bridges: [{ name: 'br-x', hwaddr: mac }], ports: [], chains: [], attachments: [] },
  });
  writeFileSync(join(dir, 'config.yaml'), text);
  rmSync(join(dir, 'out.tar.gz'), { force: true });
  rmSync(join(dir, 'dpuctl-bundle'), { recursive: true, force: true });
  const file = join(dir, 'out.tar.gz');
  const context = recordingContext(world.connection);
  await supportBundle(context, facts, { file, isRedacted, configFile: join(dir, 'config.yaml') });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  return unpack(file);
}

describe('dpuctl bundle', () => {
  it('holds none of the identities and secrets that stand in what it was made from', async () => {
    const files = await make(true);
    const leaks = [...files].flatMap(([name, text]) =>
      planted.filter((word) => text.toLowerCase().includes(word.toLowerCase())).map((word) => `${name}: ${word}`),
    );
    expect(leaks).toEqual([]);
    expect([...files.keys()].sort()).toEqual([
      'README.txt',
      'config.yaml',
      'doctor.json',
      'intents.json',
      'journal.json',
      'machine.json',
      'node.json',
      'offload-flows.json',
      'offload-status.json',
      'offload.json',
      'open-vswitch.json',
      'stats.json',
      'status.json',
      'topology.json',
    ]);
  });

  it('says where a configuration is wrong that the check repeats, and leaves one out that cannot be read', async () => {
    const files = await make(true);
    expect(files.get('doctor.json')).toContain('not valid at 4:5: bridges[0].failMode');
    const broken = await make(true, 'password: [hunter2secret');
    expect(broken.get('config.yaml.missing.txt')).toContain('it is no YAML');
    expect([...broken.values()].join('')).not.toContain('hunter2secret');
  });

  it('keeps what a reader needs, and the same word for the same thing', async () => {
    const files = await make(true);
    const nameIn = (file: string): string | undefined => /"pod": "(pod-[0-9a-f]{8})"/.exec(files.get(file) ?? '')?.[1];
    expect(nameIn('stats.json')).toBeDefined();
    expect(nameIn('stats.json')).toBe(nameIn('topology.json'));
    expect(files.get('topology.json')).toContain('"br-int"');
    expect(files.get('config.yaml')).toContain('stateDir: /var/lib/dpu-node-agent');
    expect(files.get('config.yaml')).toContain('/run/secrets/kept-path');
  });

  it('holds everything where that is asked for, and says so', async () => {
    const files = await make(false);
    expect(files.get('topology.json')).toContain(pod);
    expect(files.get('README.txt')).toContain('NOT redacted');
  });

  it('is made without an agent too, and never over another file', async () => {
    const connection = connectTo(join(dir, 'none.sock'));
    try {
      const context = recordingContext(connection);
      const options = { file: join(dir, 'a.tar.gz'), isRedacted: true, configFile: join(dir, 'none.yaml') };
      const nobody = { ...facts, status: unknown('no agent'), node: unknown('no agent') };
      expect(await supportBundle(context, nobody, options)).toBe(0);
      const files = unpack(options.file);
      expect(files.get('topology.json.missing.txt')).toContain('no agent answers');
      expect(context.warned.join('')).toContain('topology');
      await expect(supportBundle(context, nobody, options)).rejects.toMatchObject({ code: 'USAGE' });
    } finally {
      connection.close();
    }
  });
});

describe('redaction', () => {
  it('leaves no planted word in any text around it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(' ', '"', ',', '\n', '=', '(', '/'),
        fc.constantFrom(' ', '"', ',', '\n', ')'),
        (a, b) => {
          const redactor = new Redactor(Buffer.alloc(32));
          for (const word of [host, worker, serial, namespace, pod, holder]) redactor.learn('host', word);
          for (const word of [host, worker, serial, namespace, pod, uid, holder, mac, dpid, ip4, ip6, linkLocal]) {
            expect(redactor.redact(`x${a}${word}${b}y`)).not.toContain(word);
          }
        },
      ),
    );
  });

  it('differs from archive to archive', () => {
    const [one, two] = [1, 2].map((byte) => new Redactor(Buffer.alloc(32, byte)).redact(ip4));
    expect(one).toMatch(/^ip-[0-9a-f]{8}$/);
    expect(one).not.toBe(two);
  });

  it('leaves times, versions, loopback addresses and paths alone', () => {
    const text =
      '2026-11-21T08:55:01.123Z 3.1.0 127.0.0.1:9480 /sys/devices/pci0000:00/0000:03:00.0/net/p0 ofport 65534';
    expect(new Redactor(Buffer.alloc(32)).redact(text)).toBe(text);
  });

  it.each([
    ['https://user:PLANTED@127.0.0.1:1/?access=PLANTED', 'https://[secret]@127.0.0.1:1/?[secret]'],
    ['https://us/er:PLAN@TED@h/', undefined],
    ['authorization: Basic PLANTED==', 'authorization: [secret]'],
    ['proof Basic PLANTEDPLANTED', 'proof Basic [secret]'],
    ['{"api_key":"PLANTED"}', '{"api_key":"[secret]"}'],
    ['{\\"password\\":\\"PLAN\\\\\\"TED\\"}', '{\\"password\\":\\"[secret]\\"}'],
    ["psk='PLAN TED' mtu=5", "psk='[secret]' mtu=5"],
    ['x="passw: \'PLANTED was cut', undefined],
    ['community=PLANTED tokenFile: /run/token', 'community=[secret] tokenFile: /run/token'],
  ])('takes secrets out of text by their form: %s', (text, expected) => {
    const got = new Redactor(Buffer.alloc(32)).redact(text);
    if (expected !== undefined) expect(got).toBe(expected);
    expect(got).not.toMatch(/PLAN|TED/);
  });

  it('takes a whole list of what was planted', () => {
    const redactor = new Redactor(Buffer.alloc(32));
    expect(redactor.redact(everything)).not.toContain(ip6);
  });
});

describe('an archive', () => {
  it('is read by tar as it was written', () => {
    const file = join(dir, 'x.tar');
    const contents = [0, 1, 511, 512, 513, 70_000].map((size) => Buffer.alloc(size, 0x61));
    writeFileSync(
      file,
      packTar(contents.map((content, index) => ({ name: `d/${index}`, content, modifiedSeconds: 1_700_000_000.5 }))),
    );
    execFileSync('tar', ['-xf', file, '-C', dir]);
    expect(contents.map((_content, index) => readFileSync(join(dir, 'd', String(index))))).toEqual(contents);
    expect(execFileSync('tar', ['-tvf', file], { env: { TZ: 'UTC', PATH: process.env['PATH'] } }).toString()).toContain(
      '-rw------- 0/0               0 2023-11-14 22:13 d/0',
    );
  });
});
