import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { onlyProblem, problemLines } from './problems-of.js';

describe('checkSchema', () => {
  it('points at an unknown key and names the one that was meant', () => {
    expect(onlyProblem('bridges:\n  - name: a\n    failmod: secure\n')).toEqual({
      path: 'bridges[0].failmod',
      origin: 'file:3',
      line: 3,
      column: 5,
      message: 'unknown key "failmod"',
      remedy: 'Did you mean "failMode"?',
      excerpt: '    failmod: secure',
    });
  });

  it('points at a wrong value, shows it and says what is allowed', () => {
    expect(onlyProblem('bridges: [{name: a, mtu: 70000}]')).toMatchObject({
      path: 'bridges[0].mtu',
      line: 1,
      column: 26,
      message: '70000 is not allowed here; allowed: a whole number from 68 to 65535',
    });
    expect(onlyProblem('log: {level: inof}')).toMatchObject({
      message: '"inof" is not allowed here; allowed: one of trace, debug, info, warn, error',
      remedy: 'Did you mean "info"?',
    });
  });

  it('bounds what it shows, and shows no secrets', () => {
    expect(onlyProblem(`log: {level: ${'x'.repeat(5000)}}`).message.length).toBeLessThan(200);
    const secret = onlyProblem('bridges: [{name: a, otherConfig: {psk: [hunter2]}}]');
    expect(JSON.stringify(secret)).not.toContain('hunter2');
    const long = onlyProblem(`bridges: [{name: a, otherConfig: {\n  psk: "hunter2${'x'.repeat(5000)}"}}]`);
    expect(JSON.stringify(long)).not.toContain('hunter2');
  });

  it('names a key that is missing at the line of its map', () => {
    expect(problemLines('bridges:\n  - mtu: 1500\n')).toEqual(['2 bridges[0].name: missing; allowed: a name']);
  });

  it('says when a value is empty, or of another form', () => {
    expect(problemLines('log: {level: }')).toEqual([
      '1 log.level: an empty value is not allowed here; allowed: one of trace, debug, info, warn, error',
    ]);
    expect(problemLines('log: [1, 2]')).toEqual([
      '1 log: a list of 2 is not allowed here; allowed: a map of keys and values',
    ]);
    expect(problemLines('just text')).toEqual([
      '1 $: "just text" is not allowed here; allowed: a map of keys and values',
    ]);
  });

  it('takes a section or a list without content for absent', () => {
    expect(loadConfig({ text: 'ovsdb:\nlog:\nbridges:\n' }).config.bridges).toEqual([]);
    expect(loadConfig({ text: 'bridges: [{name: a, ports: , otherConfig: }]' }).config.bridges[0]?.ports).toEqual([]);
  });

  it('takes the spelling of numbers and booleans where text is wanted', () => {
    const text = 'bridges: [{name: a, datapathId: 0000000000000010, otherConfig: {a: 007, b: true, c: 1e3, d: 0x10}}]';
    expect(loadConfig({ text }).config.bridges[0]).toMatchObject({
      datapathId: '0000000000000010',
      otherConfig: { a: '007', b: 'true', c: '1e3', d: '0x10' },
    });
  });

  it('does not take text for a number or a boolean', () => {
    expect(problemLines('bridges: [{name: a, mtu: "1500", adopt: yes}]')).toHaveLength(2);
  });

  it('refuses keys of maps that OVS could not be given by its own tools', () => {
    expect(onlyProblem('bridges: [{name: a, otherConfig: {"a b": x}}]').message).toMatch(/^this key is not allowed/);
  });
});
