import { describe, expect, it } from 'vitest';
import { acceptsGzip, negotiateExposition } from '../../src/telemetry/negotiate.js';

/** What servers of Prometheus send, by version. */
const prometheus242 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('the negotiation of a format', () => {
  it.each([
    [prometheus242, 'openmetrics'],
    [prometheus3, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version="1.0.0"', 'openmetrics'],
    ['APPLICATION/OPENMETRICS-TEXT; VERSION=1.0.0', 'openmetrics'],
    ['application/openmetrics-text; version=0.0.1', 'prometheus'],
    ['application/openmetrics-text; version=2.0.0', 'prometheus'],
    ['application/openmetrics-text; version=1.0.0; q=0', 'prometheus'],
    ['application/openmetrics-text;version=1.0.0;q=0.2, text/plain', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['*/*', 'prometheus'],
    ['*/*;q=1, application/openmetrics-text;q=0.1', 'prometheus'],
    ['*/*;q=0.1, application/openmetrics-text;q=0.5', 'openmetrics'],
    ['*/*;q=1, text/plain;q=0.2, application/openmetrics-text;q=0.5', 'openmetrics'],
    ['', 'prometheus'],
    [undefined, 'prometheus'],
    [',;=,;;q=x,"', 'prometheus'],
  ])('%s gets %s', (accept, exposition) => {
    expect(negotiateExposition(accept)).toBe(exposition);
  });

  it('compresses only for who takes gzip', () => {
    expect(acceptsGzip('gzip, deflate')).toBe(true);
    expect(acceptsGzip('br;q=1, gzip;q=0.2')).toBe(true);
    expect(acceptsGzip('gzip;q=0')).toBe(false);
    expect(acceptsGzip('br')).toBe(false);
    expect(acceptsGzip(undefined)).toBe(false);
  });
});
