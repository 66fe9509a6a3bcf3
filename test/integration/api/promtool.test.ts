/** What Prometheus' own tool says of the metrics and of the alerts. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ApiWorld, attachOf, podRow, portRow } from '../../fakes/api-world.js';
import { ruleGroups } from '../../fakes/deployed.js';
import { byCounters, measuredRow, supervised } from '../../fakes/offload-overview.js';

interface Said {
  readonly code: number;
  readonly output: string;
}

function promtool(args: readonly string[], input = ''): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      if (error !== null && typeof error.code === 'string') reject(new Error(`promtool: ${error.code}`));
      else resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

let dir = '';
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), 'promtool-'))));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The series of one quiet minute after another: `'0+1x100'` and the like, by series. */
type Series = Readonly<Record<string, string>>;

const at = '{instance="dpu-1", job="dpu-node-agent"}';
const of = (name: string, labels: string): string => `${name}{instance="dpu-1", job="dpu-node-agent", ${labels}}`;

/** What makes each alert fire, and what does not although it is near. */
const cases: Readonly<Record<string, { readonly fires: Series; readonly rests: Series }>> = {
  DpuAgentDown: { fires: { [`up${at}`]: '0x60' }, rests: { [`up${at}`]: '0 1 0 0 1x60' } },
  DpuAgentStuck: {
    fires: { [`dpu_agent_status_age_seconds${at}`]: '10+60x60', [`dpu_agent_status_fresh_seconds${at}`]: '75x60' },
    rests: { [`dpu_agent_status_age_seconds${at}`]: '75x60', [`dpu_agent_status_fresh_seconds${at}`]: '75x60' },
  },
  DpuAgentNotReady: { fires: { [`dpu_agent_ready${at}`]: '0x60' }, rests: { [`dpu_agent_ready${at}`]: '1 0 1x60' } },
  DpuAgentRestarts: {
    fires: { [`process_start_time_seconds${at}`]: '0+100x60' },
    rests: { [`process_start_time_seconds${at}`]: '0 100x60' },
  },
  DpuAgentNotRepairing: {
    fires: { [of('dpu_agent_repair_mode', 'mode="standby"')]: '1x120' },
    rests: { [of('dpu_agent_repair_mode', 'mode="bootGrace"')]: '1x120' },
  },
  DpuAgentEventLoopLag: {
    fires: { [of('dpu_agent_event_loop_lag_seconds', 'stat="max"')]: '2x60' },
    rests: { [of('dpu_agent_event_loop_lag_seconds', 'stat="max"')]: '0.02x60' },
  },
  DpuOvsdbDisconnected: {
    fires: { [of('dpu_agent_ovsdb_state', 'state="synced"')]: '0x60' },
    rests: { [of('dpu_agent_ovsdb_state', 'state="synced"')]: '1x60' },
  },
  DpuVswitchdSilent: {
    fires: { [of('dpu_agent_vswitchd_state', 'state="silent"')]: '1x60' },
    rests: { [of('dpu_agent_vswitchd_state', 'state="unknown"')]: '1x60' },
  },
  DpuObjectsFailed: {
    fires: { [of('dpu_agent_objects_not_ready', 'kind="port", state="failed", reason="LinkDown"')]: '1x60' },
    rests: { [of('dpu_agent_objects_not_ready', 'kind="port", state="waiting", reason="OfportPending"')]: '1x60' },
  },
  DpuObjectsWaiting: {
    fires: { [of('dpu_agent_objects_not_ready', 'kind="port", state="waiting", reason="OfportPending"')]: '1x60' },
    rests: { [of('dpu_agent_objects_not_ready', 'kind="port", state="waiting", reason="OfportPending"')]: '1x20' },
  },
  DpuChainNotReady: {
    fires: { [of('dpu_agent_chains', 'state="failed", reason="NotApplied"')]: '1x60' },
    rests: { [of('dpu_agent_chains', 'state="ready", reason="Ready"')]: '5x60' },
  },
  DpuRepairsGoOn: {
    fires: { [of('dpu_agent_repairs_total', 'kind="createPort"')]: '0+60x60' },
    rests: { [of('dpu_agent_repairs_total', 'kind="createPort"')]: '0 50x60' },
  },
  DpuChangesRefused: {
    fires: { [of('dpu_agent_journal_entries_total', 'kind="change", outcome="refused"')]: '0+1x60' },
    rests: { [of('dpu_agent_journal_entries_total', 'kind="change", outcome="applied"')]: '0+5x60' },
  },
  DpuSessionsFlap: {
    fires: { [of('dpu_agent_session_connects_total', 'protocol="ovsdb", peer="Open_vSwitch"')]: '0+2x60' },
    // vswitchd is away: two dials a second fail, and no session comes up.
    rests: {
      [of('dpu_agent_session_connects_total', 'protocol="openflow", peer="br-int"')]: '3x60',
      [of('dpu_agent_session_failures_total', 'protocol="openflow", peer="br-int"')]: '0+120x60',
    },
  },
  DpuSessionDown: {
    fires: {
      [of('dpu_agent_session_up', 'protocol="openflow", peer="br-int"')]: '0x60',
      [of('dpu_agent_vswitchd_state', 'state="alive"')]: '1x60',
    },
    rests: {
      [of('dpu_agent_session_up', 'protocol="openflow", peer="br-int"')]: '0x60',
      [of('dpu_agent_vswitchd_state', 'state="alive"')]: '0x60',
    },
  },
  DpuFindings: {
    fires: { [of('dpu_agent_findings', 'reason="Contested"')]: '1x120' },
    rests: { [of('dpu_agent_findings', 'reason="Contested"')]: '1x30' },
  },
  DpuInterfaceDrops: {
    fires: { [of('dpu_agent_interface_dropped_packets_total', 'interface="p0"')]: '0+9000x60' },
    rests: { [of('dpu_agent_interface_dropped_packets_total', 'interface="p0"')]: '0+900x60' },
  },
  DpuInterfacesWithoutSeries: {
    fires: { [`dpu_agent_interfaces_without_series${at}`]: '5x120', [`dpu_agent_interfaces${at}`]: '105x120' },
    // Switched off by the configuration.
    rests: { [`dpu_agent_interfaces_without_series${at}`]: '5x120', [`dpu_agent_interfaces${at}`]: '5x120' },
  },
  DpuOffloadInSoftware: {
    fires: {
      [of('dpu_agent_offload_objects', 'kind="attachment", verdict="software", reason="InSoftware"')]: '2x60',
      [`dpu_agent_offload_configured${at}`]: '1x60',
    },
    // Management traffic over an internal port.
    rests: {
      [of('dpu_agent_offload_objects', 'kind="port", verdict="software", reason="InSoftware"')]: '2x60',
      [`dpu_agent_offload_configured${at}`]: '1x60',
    },
  },
  DpuOffloadRatioLow: {
    fires: {
      [of('dpu_agent_offload_packets_total', 'path="hw"')]: '0+60000x60',
      [of('dpu_agent_offload_packets_total', 'path="sw"')]: '0+60000x60',
      [`dpu_agent_offload_configured${at}`]: '1x60',
    },
    // Half of them in software, and one packet a second is no traffic.
    rests: {
      [of('dpu_agent_offload_packets_total', 'path="hw"')]: '0+30x60',
      [of('dpu_agent_offload_packets_total', 'path="sw"')]: '0+30x60',
      [`dpu_agent_offload_configured${at}`]: '1x60',
    },
  },
  DpuOffloadNotInEffect: {
    fires: { [`dpu_agent_offload_configured${at}`]: '1x60', [`dpu_agent_offload_in_effect${at}`]: '0x60' },
    // Not known is not "not".
    rests: { [`dpu_agent_offload_configured${at}`]: '1x60' },
  },
  DpuOffloadRestartRequired: {
    fires: { [`dpu_agent_offload_restart_required${at}`]: '1x90' },
    rests: { [`dpu_agent_offload_restart_required${at}`]: '1x50 0x60' },
  },
  DpuOffloadEngineLost: {
    fires: { [of('dpu_agent_offload_findings', 'reason="EngineRegressed"')]: '1x60' },
    rests: { [of('dpu_agent_offload_findings', 'reason="RestartRequired"')]: '1x60' },
  },
  DpuRestoreWaitStuck: {
    fires: { [of('dpu_agent_findings', 'reason="RestoreWaitStuck"')]: '1x60' },
    rests: { [of('dpu_agent_findings', 'reason="Contested"')]: '1x60' },
  },
  DpuFlowLimitCollapsed: {
    fires: { [of('dpu_agent_offload_findings', 'reason="FlowLimitCollapsed"')]: '1x60' },
    // The limit of a quiet node after a start.
    rests: {
      [of('dpu_agent_offload_flow_limit', 'datapath="system@ovs-system", kind="effective"')]: '10000x60',
      [of('dpu_agent_offload_flow_limit', 'datapath="system@ovs-system", kind="configured"')]: '200000x60',
    },
  },
  DpuInsertionStalled: {
    fires: { [of('dpu_agent_offload_findings', 'reason="InsertionStalled"')]: '1x60' },
    rests: { [`dpu_agent_offload_enqueued_flows${at}`]: '50x60' },
  },
  DpuConntrackFilling: {
    fires: {
      [of('dpu_agent_offload_ct_connections', 'table="nf_conntrack"')]: '950x60',
      [of('dpu_agent_offload_ct_limit', 'table="nf_conntrack"')]: '1000x60',
    },
    rests: {
      [of('dpu_agent_offload_ct_connections', 'table="nf_conntrack"')]: '850x60',
      [of('dpu_agent_offload_ct_limit', 'table="nf_conntrack"')]: '1000x60',
    },
  },
  DpuHugePagesLacking: {
    fires: { [of('dpu_agent_offload_findings', 'reason="HugePagesLacking"')]: '1x60' },
    // A daemon that has them holds all of them.
    rests: {
      [of('dpu_agent_offload_hugepages_bytes', 'size="2048kB", state="free"')]: '0x60',
      [of('dpu_agent_offload_hugepages_bytes', 'size="2048kB", state="total"')]: '1073741824x60',
    },
  },
  DpuRepresentorsMissing: {
    fires: {
      [of('dpu_agent_offload_representors', 'state="expected"')]: '16x60',
      [of('dpu_agent_offload_representors', 'state="present"')]: '2x60',
    },
    // Nobody expects a number.
    rests: { [of('dpu_agent_offload_representors', 'state="present"')]: '2x60' },
  },
  DpuRepresentorsStale: {
    fires: { [of('dpu_agent_offload_representors', 'state="stale"')]: '1x60' },
    rests: { [of('dpu_agent_offload_representors', 'state="stale"')]: '1x20 0x60' },
  },
  DpuVswitchdStalled: {
    fires: { [of('dpu_agent_offload_findings', 'reason="MainThreadStalled"')]: '1x60' },
    rests: { [of('dpu_agent_offload_findings', 'reason="MainThreadStalled"')]: '1x3 0x60' },
  },
  DpuOffloadMeasurementCostly: {
    fires: { [of('dpu_agent_offload_vswitchd_main_thread_seconds_total', 'measurement="flows"')]: '0+3x60' },
    rests: { [of('dpu_agent_offload_vswitchd_main_thread_seconds_total', 'measurement="flows"')]: '0+0.5x60' },
  },
  DpuOffloadMeasurementStale: {
    fires: { [of('dpu_agent_offload_measurement_timestamp_seconds', 'measurement="quick"')]: '0x120' },
    rests: {
      [of('dpu_agent_offload_measurement_timestamp_seconds', 'measurement="quick"')]: '0+60x120',
      [of('dpu_agent_offload_measurement_failures_total', 'measurement="quick"')]: '0+1x120',
      [of('dpu_agent_offload_measurement_timestamp_seconds', 'measurement="flows"')]: '0x120',
    },
  },
  DpuAttachmentsFailed: {
    fires: { [of('dpu_agent_attachments', 'state="failed", reason="RepresentorMissing"')]: '1x60' },
    // A pod that claims the function of another is its owner's trouble.
    rests: {
      [of('dpu_agent_attachments', 'state="failed", reason="RepresentorClaimedTwice"')]: '1x60',
      [of('dpu_agent_attachments', 'state="ready", reason="Ready"')]: '9x60',
    },
  },
  DpuAttachmentsRefused: {
    fires: { [of('dpu_agent_attachments', 'state="failed", reason="RepresentorClaimedTwice"')]: '1x60' },
    rests: {
      [of('dpu_agent_attachments', 'state="failed", reason="RepresentorAmbiguous"')]: '1x60',
      [of('dpu_agent_attachments', 'state="waiting", reason="NetworkUnknown"')]: '1x60',
    },
  },
  DpuAttachmentsWaiting: {
    fires: { [of('dpu_agent_attachments', 'state="waiting", reason="LinkDown"')]: '1x60' },
    rests: { [of('dpu_agent_attachments', 'state="waiting", reason="LinkDown"')]: '1x10 0x50' },
  },
  DpuHostClusterUnread: {
    fires: { [of('dpu_agent_host_cluster_state', 'state="connecting"')]: '1x60' },
    rests: { [of('dpu_agent_host_cluster_state', 'state="stale"')]: '1x60' },
  },
  DpuHostClusterStale: {
    fires: { [`dpu_agent_host_cluster_stale_seconds${at}`]: '0+60x60' },
    rests: { [`dpu_agent_host_cluster_stale_seconds${at}`]: '0x60' },
  },
  DpuLeaseNotRenewed: {
    fires: {
      [`dpu_agent_lease_age_seconds${at}`]: '0+60x60',
      [of('dpu_agent_lease_state', 'state="held"')]: '1x60',
    },
    // Renewed, although the last look is long ago.
    rests: {
      [`dpu_agent_lease_age_seconds${at}`]: '15x60',
      [`dpu_agent_status_age_seconds${at}`]: '5+60x60',
      [of('dpu_agent_lease_state', 'state="held"')]: '1x60',
    },
  },
  DpuLeaseForeign: {
    fires: { [of('dpu_agent_attach_mode', 'mode="leaseForeign"')]: '1x60' },
    rests: { [of('dpu_agent_attach_mode', 'mode="observe"')]: '1x60' },
  },
  DpuClockSkew: {
    fires: { [`dpu_agent_host_cluster_clock_skew_seconds${at}`]: '-9x60' },
    rests: { [`dpu_agent_host_cluster_clock_skew_seconds${at}`]: '2x60' },
  },
  DpuStatusWritesFail: {
    fires: { [of('dpu_agent_pod_status_writes_total', 'outcome="failed"')]: '0+1x60' },
    rests: { [of('dpu_agent_pod_status_writes_total', 'outcome="conflict"')]: '0+9x60' },
  },
  DpuIntentDegraded: {
    fires: { [of('dpu_agent_intent_phase', 'owner="fleet", phase="degraded"')]: '1x60' },
    rests: { [of('dpu_agent_intent_phase', 'owner="fleet", phase="applied"')]: '1x60' },
  },
  DpuApiRefusals: {
    fires: { [of('dpu_agent_grpc_refusals_total', 'reason="API_FORBIDDEN"')]: '0+600x60' },
    rests: { [of('dpu_agent_grpc_refusals_total', 'reason="API_FORBIDDEN"')]: '0+6x60' },
  },
};

/** Further ways in which alerts fire. */
const further: readonly (readonly [alert: string, fires: Series])[] = [
  [
    'DpuOffloadInSoftware',
    {
      [of('dpu_agent_offload_objects', 'kind="port", verdict="software", reason="EngineIsSoftware"')]: '2x60',
      [`dpu_agent_offload_configured${at}`]: '1x60',
    },
  ],
  [
    'DpuOffloadMeasurementStale',
    { [of('dpu_agent_offload_measurement_failures_total', 'measurement="tools"')]: '0+1x120' },
  ],
  ['DpuRestoreWaitStuck', { [of('dpu_agent_offload_findings', 'reason="RestoreWaitStuck"')]: '1x60' }],
];

const groups = ruleGroups();
const alerts = groups.flatMap(({ rules }) => rules);

describe('promtool', () => {
  it('takes the rules', async () => {
    const file = join(dir, 'rules.yml');
    await writeFile(file, stringify({ groups }));
    const { code, output } = await promtool(['check', 'rules', file]);
    expect(output).toContain(`SUCCESS: ${alerts.length} rules found`);
    expect(code).toBe(0);
  });

  it('has a case for every alert', () => {
    expect(Object.keys(cases).sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  });

  it('sees every alert fire when it should, and rest when it should not', async () => {
    // A suite for each alert with its rule alone: all rules against all series take a minute.
    const suites = await Promise.all(
      alerts.map(async (rule) => {
        const { alert } = rule;
        const rules = join(dir, `${alert}.rules.yml`);
        await writeFile(rules, stringify({ groups: [{ name: alert, rules: [rule] }] }));
        const { fires = {}, rests = {} } = cases[alert] ?? {};
        const others = further.filter(([name]) => name === alert).map(([, series]) => [series, 1] as const);
        const tests = ([[fires, 1], [rests, 0], ...others] as const).map(([series, count]) => ({
          name: `${alert} ${count === 1 ? 'fires' : 'rests'}`,
          interval: '1m',
          input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
          promql_expr_test: [
            {
              // At any time of the run: some are about what was a while ago.
              expr: `count(max_over_time(ALERTS{alertname="${alert}", alertstate="firing"}[2h])) or vector(0)`,
              eval_time: '119m',
              exp_samples: [{ labels: '{}', value: count }],
            },
          ],
        }));
        const suite = join(dir, `${alert}.suite.yml`);
        await writeFile(suite, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
        return suite;
      }),
    );
    const { code, output } = await promtool(['test', 'rules', ...suites]);
    expect(output.match(/SUCCESS/g)).toHaveLength(alerts.length);
    expect(code).toBe(0);
  });

  describe('reads a scrape', () => {
    let world = new ApiWorld();
    afterEach(() => world.close());

    it('and has nothing to say against it', async () => {
      world = await new ApiWorld().serve();
      const row = portRow('pf0vf1', world.clock.wallMs());
      world.rows = [row, podRow(row, 'shop', 'we"ird\\na\nme')];
      world.offload = supervised();
      world.offloadRows = [measuredRow('port', 'pf0vf1', 'pf0vf1', byCounters)];
      world.sessions = [{ protocol: 'ovsdb', peer: 'Open_vSwitch', isUp: true, connects: 1, failures: 0 }];
      const recorder = world.book.recorder('ports');
      recorder.round(1);
      recorder.took('total', 12);
      recorder.wrote(['createPort']);
      world.show({ attach: attachOf(world.clock) });
      await (await world.get('/metrics')).text();
      const text = await (await world.get('/metrics')).text();
      const { code, output } = await promtool(['check', 'metrics'], text);
      expect(output).toBe('');
      expect(code).toBe(0);
    });
  });
});
