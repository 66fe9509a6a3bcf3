import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { ConfigError } from '../../src/config/problem.js';
import { ConfigWatcher } from '../../src/config/watcher.js';
import type { AgentError } from '../../src/lib/errors.js';
import { ManualClock } from './manual-clock.js';

const rereadMs = 60_000;

describe('ConfigWatcher', () => {
  let directory = '';
  let file = '';
  let clock = new ManualClock();
  let levels: string[] = [];
  let problems: AgentError[] = [];
  let watcher: ConfigWatcher | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'watcher-'));
    file = join(directory, 'config.yaml');
    clock = new ManualClock();
    levels = [];
    problems = [];
  });
  afterEach(() => {
    watcher?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const watching = (): ConfigWatcher => {
    watcher = new ConfigWatcher({
      file,
      clock,
      config: loadConfig({ file }).config,
      onChange: ({ config }) => levels.push(config.log.level),
      onProblem: (error) => problems.push(error),
    });
    watcher.start();
    return watcher;
  };

  /** Waits for the kernel's event, which sets the second timer, and lets the burst end. */
  const settle = async (): Promise<void> => {
    await vi.waitFor(() => expect(clock.timerCount).toBe(2), { timeout: 5000 });
    clock.advance(1000);
  };

  it('tells a new configuration when the file is written', async () => {
    writeFileSync(file, 'log: {level: info}');
    watching();
    writeFileSync(file, 'log: {level: warn}');
    await settle();
    expect(levels).toEqual(['warn']);
  });

  it("notices the exchange of a ConfigMap's data link", async () => {
    const publish = (version: string, level: string): void => {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'config.yaml'), `log: {level: ${level}}`);
      symlinkSync(version, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    publish('..v1', 'info');
    symlinkSync('..data/config.yaml', file);
    watching();
    publish('..v2', 'warn');
    await settle();
    expect(levels).toEqual(['warn']);
  });

  it('keeps the old configuration when the file is not valid, and tells the problem once', () => {
    writeFileSync(file, 'log: {level: info}');
    const it = watching();
    writeFileSync(file, 'log: {level: loud}');
    expect(it.reload()).toBe('refused');
    expect(it.reload()).toBe('refused');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toBeInstanceOf(ConfigError);
    writeFileSync(file, 'log: {level: louder}');
    expect(it.reload()).toBe('refused');
    expect(problems).toHaveLength(2);
    writeFileSync(file, 'log: {level: info}');
    expect(it.reload()).toBe('unchanged');
    expect(levels).toEqual([]);
  });

  it('survives a file that is gone for a while', () => {
    writeFileSync(file, 'log: {level: info}');
    const it = watching();
    rmSync(file);
    expect(it.reload()).toBe('refused');
    expect(problems.map(({ code }) => code)).toEqual(['CONFIG_UNREADABLE']);
    writeFileSync(file, 'log: {level: debug}');
    expect(it.reload()).toBe('changed');
    expect(levels).toEqual(['debug']);
  });

  it('says nothing when only comments changed', () => {
    writeFileSync(file, 'log: {level: info}');
    const it = watching();
    writeFileSync(file, '# a comment\nlog: {level: info}');
    expect(it.reload()).toBe('unchanged');
    expect(levels).toEqual([]);
  });

  it('reads the file again after a while whatever the watch says', () => {
    const target = join(directory, 'elsewhere');
    mkdirSync(target);
    writeFileSync(join(target, 'real.yaml'), 'log: {level: info}');
    symlinkSync(join(target, 'real.yaml'), file);
    watching();
    writeFileSync(join(target, 'real.yaml'), 'log: {level: error}');
    clock.advance(rereadMs);
    expect(levels).toEqual(['error']);
    writeFileSync(join(target, 'real.yaml'), 'log: {level: warn}');
    clock.advance(rereadMs);
    expect(levels).toEqual(['error', 'warn']);
  });

  it('goes on without a watch, and says so once', () => {
    writeFileSync(file, 'log: {level: info}');
    const { config } = loadConfig({ file });
    rmSync(directory, { recursive: true });
    watcher = new ConfigWatcher({
      file,
      clock,
      config,
      onChange: ({ config: { log } }) => levels.push(log.level),
      onProblem: (error) => problems.push(error),
    });
    watcher.start();
    clock.advance(3 * rereadMs);
    expect(problems.map(({ message }) => message.split(':')[0])).toEqual([
      'the directory of the configuration file cannot be watched',
      'the configuration file cannot be read',
    ]);
    mkdirSync(directory);
    writeFileSync(file, 'log: {level: debug}');
    clock.advance(rereadMs);
    expect(levels).toEqual(['debug']);
  });

  it('is silent after it was stopped', async () => {
    writeFileSync(file, 'log: {level: info}');
    const it = watching();
    writeFileSync(file, 'log: {level: warn}');
    await vi.waitFor(() => expect(clock.timerCount).toBe(2), { timeout: 5000 });
    it.stop();
    expect(clock.timerCount).toBe(0);
    clock.advance(2 * rereadMs);
    expect(levels).toEqual([]);
  });

  it('lets a fault of the listener through', () => {
    writeFileSync(file, 'log: {level: info}');
    watcher = new ConfigWatcher({
      file,
      clock,
      onChange: () => {
        throw new Error('a bug');
      },
      onProblem: (error) => problems.push(error),
    });
    expect(() => watcher?.reload()).toThrow('a bug');
    expect(problems).toEqual([]);
  });
});
