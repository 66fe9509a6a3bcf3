import { describe, expect, it } from 'vitest';
import { formatEndpoint, parseEndpoint } from '../../src/openflow/endpoint.js';

describe('parseEndpoint', () => {
  it.each(['unix:/run/openvswitch/br0.mgmt', 'tcp:192.0.2.1:6653', 'tcp:[2001:db8::1]:6633', 'ssl:switch-1:6653'])(
    'reads back what it writes: %s',
    (text) => {
      expect(formatEndpoint(parseEndpoint(text))).toBe(text);
    },
  );

  it('knows the port of OpenFlow', () => {
    expect(parseEndpoint('tcp:switch')).toEqual({ kind: 'tcp', host: 'switch', port: 6653 });
  });

  it.each([
    'br0.mgmt',
    'unix:br0.mgmt',
    `unix:/${'x'.repeat(107)}`,
    'tcp:',
    'tcp:a:0',
    'tcp:a:70000',
    'tcp:2001:db8::1:6653',
    'tcp:[switch]:1',
    'ptcp:6653',
  ])('refuses %s', (text) => {
    expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'ENDPOINT_INVALID' }));
  });
});
