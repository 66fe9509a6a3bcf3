import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/lib/errors.js';
import { formatEndpoint, parseEndpoint, parseEndpoints } from '../../src/ovsdb/endpoint.js';

describe('an endpoint', () => {
  it.each([
    ['unix:/run/openvswitch/db.sock', { kind: 'unix', path: '/run/openvswitch/db.sock' }],
    ['unix:/odd:name,with.things', { kind: 'unix', path: '/odd:name,with.things' }],
    ['tcp:192.0.2.1:6641', { kind: 'tcp', host: '192.0.2.1', port: 6641 }],
    ['tcp:ovsdb.example', { kind: 'tcp', host: 'ovsdb.example', port: 6640 }],
    ['tcp:[2001:db8::1]:6641', { kind: 'tcp', host: '2001:db8::1', port: 6641 }],
    ['tcp:[::1]', { kind: 'tcp', host: '::1', port: 6640 }],
    ['ssl:host:1', { kind: 'tls', host: 'host', port: 1 }],
    ['tls:host:65535', { kind: 'tls', host: 'host', port: 65_535 }],
  ])('is read from %s and written back equal', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
    expect(parseEndpoint(formatEndpoint(parseEndpoint(text)))).toEqual(endpoint);
  });

  it.each([
    ['', 'not known'],
    ['db.sock', 'not known'],
    ['http:host:1', 'not known'],
    ['ptcp:6640', 'listens'],
    ['unix:db.sock', 'not absolute'],
    [`unix:/${'x'.repeat(107)}`, 'longer than 107'],
    ['unix:/a\0b', 'NUL'],
    ['tcp:host:0', 'port'],
    ['tcp:host:65536', 'port'],
    ['tcp:host:', 'port'],
    ['tcp:host:12a', 'port'],
    ['tcp::6640', 'host'],
    ['tcp:2001:db8::1:6640', 'brackets'],
    ['tcp:[host]:6640', 'IPv6'],
    ['tcp:ho st:6640', 'host'],
  ])('is refused as %j, naming the reason and a remedy', (text, reason) => {
    let thrown: unknown;
    try {
      parseEndpoint(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'ENDPOINT_INVALID',
      facts: { reason: expect.stringContaining(reason) as string },
    });
    expect((thrown as AgentError).remedy).toContain('unix:/path');
  });

  it('comes in lists', () => {
    expect(parseEndpoints('tcp:a:1, tcp:b:2,')).toHaveLength(2);
    expect(() => parseEndpoints(' , ')).toThrow(AgentError);
  });

  it('is either parsed or refused with its code, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((tail) => `tcp:${tail}`),
        ),
        (text) => {
          try {
            expect(parseEndpoint(formatEndpoint(parseEndpoint(text)))).toEqual(parseEndpoint(text));
          } catch (error) {
            expect(error).toMatchObject({ code: 'ENDPOINT_INVALID' });
          }
        },
      ),
    );
  });
});
