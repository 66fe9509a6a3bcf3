import { describe, expect, it } from 'vitest';
import { configJsonSchema, configSchema } from '../../src/config/schema.js';

describe('configSchema', () => {
  it('has a valid default for everything but bridges and ports', () => {
    expect(configSchema.safeParse({}).success).toBe(true);
  });

  it.each([
    ['unix:/run/openvswitch/db.sock', true],
    ['tcp:127.0.0.1:6640', true],
    ['tcp:[fe80::1%p0]:6640', true],
    ['ssl:ovsdb.example.com:6640', true],
    ['unix:db.sock', false],
    ['tcp:127.0.0.1', false],
    ['ptcp:6640', false],
    ['tcp:::1:6640', false],
  ])('judges the endpoint %s', (endpoint, isValid) => {
    expect(configSchema.safeParse({ ovsdb: { endpoints: [endpoint] } }).success).toBe(isValid);
  });

  it.each([
    ['datapathId', '00000000000000ab', true],
    ['datapathId', '00000000000000AB', true],
    ['datapathId', '0000000000000000', false],
    ['datapathId', 'ab', false],
    ['hwaddr', '02:00:00:00:00:01', true],
    ['hwaddr', '0A:00:00:00:00:01', true],
    ['hwaddr', '00:00:00:00:00:01', false],
    ['hwaddr', '03:00:00:00:00:01', false],
    ['mtu', 68, true],
    ['mtu', 67, false],
    ['mtu', 65_536, false],
    ['datapathType', 'doca', true],
    ['datapathType', '', false],
  ])('judges %s %s of a bridge', (key, value, isValid) => {
    expect(configSchema.safeParse({ bridges: [{ name: 'b', [key]: value }] }).success).toBe(isValid);
  });

  it.each([
    [0, false],
    [1, true],
    [65_279, true],
    [65_280, false],
    [1.5, false],
  ])('judges ofport %s', (ofport, isValid) => {
    const port = { name: 'p', kind: 'system', ofport };
    expect(configSchema.safeParse({ bridges: [{ name: 'b', ports: [port] }] }).success).toBe(isValid);
  });
});

describe('configJsonSchema', () => {
  it('can be written as JSON and refuses unknown keys', () => {
    const schema = JSON.parse(JSON.stringify(configJsonSchema())) as Record<string, unknown>;
    expect(schema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: {
        bridges: { type: 'array', items: { required: ['name'] } },
        chains: {
          type: 'array',
          items: {
            required: ['name', 'switches'],
            properties: { switches: { items: { properties: { ports: { minItems: 2, maxItems: 50 } } } } },
          },
        },
      },
    });
    expect(schema['required']).toBeUndefined();
  });
});
