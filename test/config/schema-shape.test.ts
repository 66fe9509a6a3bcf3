import { describe, expect, it } from 'vitest';
import { allowedText, defaultOf, keysAt, metaOf, schemaAt, shapeOf } from '../../src/config/schema-shape.js';

const at = (path: readonly (string | number)[]) => schemaAt(path)!;

describe('schema shape', () => {
  it('finds what stands at a path', () => {
    expect(shapeOf(at(['bridges'])).kind).toBe('list');
    expect(shapeOf(at(['bridges', 3])).kind).toBe('object');
    expect(shapeOf(at(['bridges', 3, 'otherConfig', 'any'])).kind).toBe('text');
    expect(shapeOf(at(['agent', 'repair']))).toEqual({ kind: 'choice', values: ['on', 'observe'] });
    expect(shapeOf(at(['agent', 'coalesceMs'])).kind).toBe('number');
    expect(shapeOf(at(['bridges', 0, 'adopt'])).kind).toBe('boolean');
    expect(schemaAt(['bridges', 0, 'nothing'])).toBeUndefined();
    expect(schemaAt(['nothing', 'at', 'all'])).toBeUndefined();
    expect(schemaAt(['log', 0])).toBeUndefined();
  });

  it('lists the keys of objects only', () => {
    expect(keysAt(['log'])).toEqual(['level', 'format']);
    expect(keysAt(['log', 'level'])).toEqual([]);
    expect(keysAt(['nothing'])).toEqual([]);
  });

  it('says in words what is allowed', () => {
    expect(allowedText(at(['bridges', 0, 'mtu']))).toBe('a whole number from 68 to 65535');
    expect(allowedText(at(['bridges', 0, 'mode']))).toBe('one of own, share, observe');
    expect(allowedText(at(['bridges', 0, 'adopt']))).toBe('true or false');
    expect(allowedText(at(['ovsdb', 'endpoints']))).toBe(
      'a list of 1 to 8, each unix:/path, tcp:host:port or ssl:host:port',
    );
    expect(allowedText(at(['bridges']))).toBe('a list of up to 64, each a map of keys and values');
    expect(allowedText(at(['chains', 0, 'switches', 0, 'ports']))).toMatch(/^a list of 2 to 50, each/);
    expect(allowedText(at(['log']))).toBe('a map of keys and values');
    expect(allowedText(at(['bridges', 0, 'otherConfig']))).toBe('a map of keys and text');
  });

  it('finds descriptions and defaults through wrappers', () => {
    expect(metaOf(at(['ovs', 'runDir']))).toMatchObject({ allowed: 'an absolute path' });
    expect(defaultOf(at(['ovs', 'runDir']))).toBe('/run/openvswitch');
    expect(defaultOf(at(['bridges', 0, 'mtu']))).toBeUndefined();
  });
});
