import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeUnit, PlatformBootReader } from '../../src/host/platform-boot.js';
import { systemClock, type Clock } from '../../src/lib/clock.js';
import { known } from '../../src/model/fact.js';
import { FakeTool } from '../fakes/fake-tool.js';
import { filesOf } from '../fakes/file-texts.js';

const signal = new AbortController().signal;
const shown = readFileSync(join(import.meta.dirname, '../fixtures/host-offload/systemctl-show.txt'), 'utf8');

const unit = (values: Readonly<Record<string, string>>): string =>
  Object.entries({ LoadState: 'loaded', ...values })
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
const ended = { ActiveState: 'active', SubState: 'exited', ExecMainExitTimestampMonotonic: '61000000' };

describe('a unit that configures the card', () => {
  it.each([
    ['absent', { LoadState: 'not-found', ActiveState: 'inactive' }],
    ['absent', { LoadState: 'masked', ActiveState: 'inactive' }],
    ['running', { ActiveState: 'activating', SubState: 'start' }],
    ['running', { ActiveState: 'deactivating', SubState: 'stop' }],
    ['running', { ActiveState: 'active', SubState: 'running' }],
    ['running', { ActiveState: 'inactive', SubState: 'dead', Job: '117' }],
    ['over', { ActiveState: 'inactive', SubState: 'dead', Job: '0' }],
    ['over', { ActiveState: 'inactive', SubState: 'dead', Job: '' }],
    ['over', { ActiveState: 'failed', SubState: 'failed', ExecMainExitTimestampMonotonic: '61000000' }],
    ['over', ended],
  ])('is %s with %j', (state, values) => {
    expect(judgeUnit(unit(values), 3_600_000)).toEqual(known(state));
  });

  it('is running until half a minute after its end, for it leaves a restart of Open vSwitch behind', () => {
    expect(judgeUnit(unit(ended), 62_000)).toEqual(known('running'));
    expect(judgeUnit(unit({ ...ended, ActiveState: 'failed', SubState: 'failed' }), 62_000)).toEqual(known('running'));
    expect(judgeUnit(unit(ended), 90_999)).toEqual(known('running'));
    expect(judgeUnit(unit(ended), 91_000)).toEqual(known('over'));
    expect(judgeUnit(unit(ended), undefined)).toEqual(known('over'));
  });

  it.each(['', 'nonsense', 'LoadState=bad-setting\nActiveState=inactive', 'LoadState=loaded'])(
    'is unknown after %j',
    (text) => {
      expect(judgeUnit(text, 0)).toMatchObject({ kind: 'unknown' });
    },
  );
});

describe('whether the platform configures the card', () => {
  const booted = { '/run/systemd/system/x': '', '/proc/uptime': '3600.00 1.0\n', '/proc/1/comm': 'systemd\n' };
  const readerOf = (texts: Readonly<Record<string, string>>, systemctl: FakeTool, clock: Clock = systemClock) =>
    new PlatformBootReader({ clock, systemctl, files: filesOf(texts) });
  const saying = (text: string): Promise<FakeTool> => FakeTool.create(`cat <<'END'\n${text}\nEND`);
  const unheardOf = unit({ LoadState: 'not-found', ActiveState: 'inactive' });

  it('is told by any of its units', async () => {
    await using systemctl = await saying(shown);
    expect(await readerOf(booted, systemctl).read(signal)).toEqual(known('over'));
    const [call] = await systemctl.calls();
    expect(call).toBe(
      'show mlnx_bf_configure.service mlnx-bf-ctl.service -p LoadState -p ActiveState -p SubState -p Job -p ExecMainExitTimestampMonotonic',
    );
    await systemctl.rewrite(`printf '%s\\n\\n%s\\n' '${unit(ended)}' '${unit({ ActiveState: 'activating' })}'`);
    expect(await readerOf(booted, systemctl).read(signal)).toEqual(known('running'));
  });

  it('is told by its process, for half a minute after it was seen', async () => {
    await using systemctl = await saying(`${unheardOf}\n\n${unheardOf}`);
    const texts: Record<string, string> = { ...booted, '/proc/812/comm': 'mlnx_bf_configu\n' };
    let nowMs = 1_000;
    const reader = readerOf(texts, systemctl, { ...systemClock, nowMs: () => nowMs });
    expect(await reader.read(signal)).toEqual(known('running'));
    delete texts['/proc/812/comm'];
    nowMs += 29_999;
    expect(await reader.read(signal)).toEqual(known('running'));
    nowMs += 1;
    expect(await reader.read(signal)).toEqual(known('absent'));
  });

  it('cannot be told where its program is there and no unit starts it', async () => {
    await using systemctl = await saying(`${unheardOf}\n\n${unheardOf}`);
    const why = { kind: 'unknown', why: expect.stringContaining('no unit of systemd') as string };
    expect(await readerOf({ ...booted, '/sbin/mlnx_bf_configure': '#!/bin/bash\n' }, systemctl).read(signal)).toEqual(
      why,
    );
    expect(await readerOf(booted, systemctl).read(signal)).toEqual(known('absent'));
  });

  it('cannot be told without systemd, which is then not asked', async () => {
    await using systemctl = await saying(shown);
    const fact = await readerOf({ '/proc/1/comm': 'node\n' }, systemctl).read(signal);
    expect(fact).toEqual({
      kind: 'unknown',
      why: 'systemd has not booted this machine, or is not to be seen from this container',
    });
    expect(await systemctl.calls()).toEqual([]);
  });

  it('cannot be told when systemctl fails', async () => {
    await using systemctl = await FakeTool.create(`echo 'Failed to connect to bus' >&2; exit 1`);
    expect(await readerOf(booted, systemctl).read(signal)).toEqual({
      kind: 'unknown',
      why: 'the tool systemctl refused: Failed to connect to bus',
    });
  });
});
