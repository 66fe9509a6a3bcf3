import { describe, expect, it } from 'vitest';
import { problemLines } from './problems-of.js';

describe('rules of the connection', () => {
  it('wants keys for ssl:', () => {
    expect(problemLines('ovsdb: {endpoints: ["ssl:h:6640"]}')).toEqual([
      '1 ovsdb.endpoints[0]: an ssl: endpoint needs keys and certificates',
    ]);
    const tls = 'tls: {caFile: /a, certFile: /b, keyFile: /c}';
    expect(problemLines(`ovsdb: {endpoints: ["ssl:h:6640"], ${tls}}`)).toEqual([]);
  });

  it('wants a port that exists, and each endpoint once', () => {
    expect(problemLines('ovsdb: {endpoints: ["tcp:h:0", "tcp:h:65536", "tcp:h:1", "tcp:h:1"]}')).toEqual([
      '1 ovsdb.endpoints[0]: port 0 does not exist; allowed: 1 to 65535',
      '1 ovsdb.endpoints[1]: port 65536 does not exist; allowed: 1 to 65535',
      '1 ovsdb.endpoints[3]: "tcp:h:1" is given twice',
    ]);
  });
});
