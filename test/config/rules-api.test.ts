import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../src/config/rules-api.js';
import { onlyProblem, problemLines } from './problems-of.js';

const api = (text: string): readonly string[] =>
  problemLines(`api: {${text}}`).map((line) => line.replace(/^1 api\./, ''));

const tls = 'tls: {certFile: /c, keyFile: /k, clientCaFile: /a}';
const secured = 'tls: {certFile: /c, keyFile: /k}, tokenFile: /t';

describe('rules of the API', () => {
  it.each([
    '',
    `grpc: {listen: ["192.0.2.7:8443", "[2001:db8::7]:8443"], ${tls}}`,
    'grpc: {grants: [{identity: "uid:1000", role: viewer}, {identity: "uid:1000", role: controller, owners: [a]}]}',
    'http: {listen: "[::1]:9480"}',
    'http: {listen: "localhost:9480"}',
    `http: {listen: "192.0.2.7:9480", ${secured}}`,
    `http: {listen: "192.0.2.7:9480", ${tls}}`,
  ])('let %s pass', (text) => {
    expect(api(text)).toEqual([]);
  });

  it('want certificates for gRPC beyond the socket, on a loopback address too', () => {
    for (const address of ['192.0.2.7:1', '127.0.0.1:1']) {
      expect(onlyProblem(`api: {grpc: {listen: ["${address}"]}}`)).toMatchObject({
        path: 'api.grpc.listen',
        message: 'listening beyond the socket needs keys and certificates',
      });
    }
  });

  it.each(['0.0.0.0', '[::]', '[::%eth0]', '[0:0:0:0:0:0:0:0]', '[::ffff:0.0.0.0]', '[::0.0.0.0]', '[::ffff:0:0]'])(
    'want no wildcard such as %s',
    (host) => {
      expect(api(`grpc: {listen: ["${host}:1"], ${tls}}`)[0]).toContain('would listen on every link');
      expect(api(`http: {listen: "${host}:1", ${secured}}`)[0]).toContain('would listen on every link');
    },
  );

  it('want addresses and ports that there are, each once', () => {
    expect(api(`grpc: {listen: ["host.example:1"], ${tls}}`)[0]).toContain('is not an address');
    expect(api(`grpc: {listen: ["192.0.2.7:65536"], ${tls}}`)[0]).toContain('port 65536 does not exist');
    expect(api(`grpc: {listen: ["192.0.2.7:1", "192.0.2.7:1"], ${tls}}`)[0]).toContain('is given twice');
  });

  it('want HTTP that others reach to be guarded', () => {
    for (const text of ['', ', tls: {certFile: /c, keyFile: /k}', ', tokenFile: /t']) {
      expect(api(`http: {listen: "192.0.2.7:9480"${text}}`)[0]).toContain('can be reached from outside');
    }
  });

  it('want owners with role controller alone, and a grant once', () => {
    expect(api('grpc: {grants: [{identity: "uid:1", role: viewer, owners: [a]}]}')).toEqual([
      'grpc.grants[0].owners: owners are for role controller, not viewer',
    ]);
    expect(api('grpc: {grants: [{identity: "cn:a", role: viewer}, {identity: "cn:a", role: viewer}]}')).toEqual([
      'grpc.grants[1]: "cn:a" has role viewer twice',
    ]);
  });

  it.each(['root', 'uid:', 'uid:-1', 'spiffe:fleet', 'dns:a b', 'gid:x'])('know no identity %s', (identity) => {
    expect(api(`grpc: {grants: [{identity: "${identity}", role: viewer}]}`)).toHaveLength(1);
  });
});

describe('a loopback address', () => {
  it('is one that only this machine reaches', () => {
    const addresses = ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', '192.0.2.7:1', '127.0.0.1.example:1'];
    expect(addresses.filter(isLoopback)).toEqual(addresses.slice(0, 4));
  });
});
