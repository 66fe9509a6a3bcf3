import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { certificate } from './certificate.js';

const clusterOf = (text: string) => loadConfig({ text: `hostCluster: {${text}}` }).config.hostCluster;

const attachOf = (text: string) => loadConfig({ text }).config.attach;

const kubeconfig = 'hostCluster: {kubeconfig: /k}';

describe('hostClusterOf', () => {
  it('makes each way to the API server a type of its own', () => {
    expect(clusterOf('kubeconfig: /k, context: c, nodeName: n')).toEqual({
      access: { kind: 'kubeconfig', kubeconfig: '/k', context: 'c' },
      nodeName: 'n',
    });
    expect(clusterOf('inCluster: true')).toEqual({ access: { kind: 'inCluster' } });
    expect(clusterOf('server: https://h, tokenFile: /t, caFile: /c')).toEqual({
      access: {
        kind: 'server',
        server: 'https://h',
        identity: { kind: 'token', tokenFile: '/t' },
        authority: { kind: 'file', caFile: '/c' },
      },
    });
  });

  it('decodes the certificate of the authority', () => {
    const caData = Buffer.from(certificate).toString('base64');
    expect(clusterOf(`server: https://h, certFile: /a, keyFile: /b, caData: ${caData}`)?.access).toMatchObject({
      identity: { kind: 'certificate', certFile: '/a', keyFile: '/b' },
      authority: { kind: 'data', pem: certificate },
    });
  });

  it('wants neither authority nor identity of a server on this machine', () => {
    expect(clusterOf('server: http://127.0.0.1:8001')).toEqual({
      access: { kind: 'server', server: 'http://127.0.0.1:8001' },
    });
  });
});

describe('attachOf', () => {
  it('only looks by default, and not even that without a host cluster', () => {
    expect(attachOf('').mode).toBe('off');
    expect(attachOf(kubeconfig).mode).toBe('observe');
    expect(attachOf(`${kubeconfig}\nattach: {mode: off}`).mode).toBe('off');
  });

  it('reserves the function of the gateway in a simulation, unless the file says what is reserved', () => {
    expect(attachOf('').reserved).toEqual([]);
    expect(attachOf('representors: {finder: simulated}').reserved).toEqual([{ vf: 0 }]);
    expect(attachOf('representors: {finder: simulated}\nattach: {reserved: []}').reserved).toEqual([]);
    expect(attachOf('attach: {reserved: [{pf: 1, vf: 2}]}').reserved).toEqual([{ pf: 1, vf: 2 }]);
  });

  it('has pools as ranges, a whole PF included', () => {
    expect(attachOf('attach: {pools: [{pf: 0, vfs: "7,0-3,4"}, {pf: 1}, {pf: 2, vfs: 5}]}').pools).toEqual([
      {
        pf: 0,
        vfs: [
          { first: 0, last: 4 },
          { first: 7, last: 7 },
        ],
      },
      { pf: 1, vfs: [{ first: 0, last: 4095 }] },
      { pf: 2, vfs: [{ first: 5, last: 5 }] },
    ]);
    expect(attachOf('').pools).toBeUndefined();
  });
});
