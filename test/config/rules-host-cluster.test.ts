import { describe, expect, it } from 'vitest';
import { certificate } from './certificate.js';
import { onlyProblem, problemLines, problemsIn } from './problems-of.js';

const cluster = (text: string): readonly string[] =>
  problemLines(`hostCluster: {${text}}`).map((line) => line.replace('1 hostCluster', ''));

const secure = 'server: "https://h:6443", tokenFile: /t, caFile: /c';

describe('rules of the host cluster', () => {
  it.each([
    'kubeconfig: /k',
    'kubeconfig: /k, context: c, inCluster: false',
    'inCluster: true, nodeName: n',
    secure,
    'server: "https://h", certFile: /a, keyFile: /b, caFile: /c',
    'server: "http://127.0.0.1:8001"',
    'server: "http://[::1]:8001", tokenFile: /t',
    'server: "http://localhost"',
  ])('let %s pass', (text) => {
    expect(cluster(text)).toEqual([]);
  });

  it('want one way to the API server', () => {
    const remedy = expect.stringContaining('kubeconfig; inCluster: true; server with tokenFile') as string;
    for (const text of ['', 'nodeName: n', 'inCluster: false', 'tokenFile: /t']) {
      expect(onlyProblem(`hostCluster: {${text}}`)).toMatchObject({
        path: 'hostCluster',
        message: 'nothing says how the API server is reached',
        remedy,
      });
    }
    expect(cluster(`kubeconfig: /k, inCluster: true, ${secure}`)).toEqual([
      '.inCluster: inCluster is another way to the API server than kubeconfig',
      '.server: server is another way to the API server than kubeconfig',
    ]);
  });

  it('want no keys of another way', () => {
    expect(cluster('kubeconfig: /k, tokenFile: /t')).toEqual([
      '.tokenFile: tokenFile belongs to server, but kubeconfig is given',
    ]);
    expect(cluster('inCluster: true, context: c, caFile: /c')).toEqual([
      '.context: context belongs to kubeconfig, but inCluster is given',
      '.caFile: caFile belongs to server, but inCluster is given',
    ]);
    expect(cluster(`${secure}, context: c`)).toEqual(['.context: context belongs to kubeconfig, but server is given']);
  });

  it('want one identity, and that whole', () => {
    expect(cluster(`${secure}, certFile: /a`)).toEqual([
      '.certFile: the agent shows itself twice, by token and by certificate',
    ]);
    expect(cluster('server: "https://h", caFile: /c')).toEqual([
      '.server: nothing says as whom the agent shows itself to the server',
    ]);
    expect(cluster('server: "https://h", caFile: /c, certFile: /a')).toEqual(['.certFile: certFile needs keyFile']);
    expect(cluster('server: "https://h", caFile: /c, keyFile: /b')).toEqual(['.keyFile: keyFile needs certFile']);
  });

  it('want one authority that can be read', () => {
    expect(cluster('server: "https://h", tokenFile: /t')).toEqual([
      '.server: nothing says which authority signed the certificate of the server',
    ]);
    expect(cluster('server: "https://h", tokenFile: /t, caData: abc')).toEqual([
      '.caData: caData is neither PEM nor base64 of PEM',
    ]);
    const twice = { server: 'https://h', tokenFile: '/t', caFile: '/c', caData: certificate };
    expect(problemLines(JSON.stringify({ hostCluster: twice }))).toEqual([
      '1 hostCluster.caData: the authority is given twice, by caFile and by caData',
    ]);
  });

  it('want https but on this machine, where certificates mean nothing', () => {
    expect(cluster('server: "http://10.0.0.1:8001", tokenFile: /t')).toEqual([
      '.server: http to 10.0.0.1 would show everything to everybody on the way',
    ]);
    expect(cluster('server: "http://127.0.0.1.example.com", tokenFile: /t')).toHaveLength(1);
    expect(cluster('server: "http://127.0.0.1:8001", caFile: /c')).toEqual(['.caFile: caFile has no use with http']);
  });

  it.each(['https://h:0', 'https://h:65536', 'https://[::g]'])('refuse the address %s', (server) => {
    expect(cluster(`server: "${server}", tokenFile: /t, caFile: /c`)).toHaveLength(1);
  });

  it('never show a secret that was put in the wrong place', () => {
    const key = '-----BEGIN PRIVATE KEY----- hunter2';
    const wrong = {
      server: 'https://me:hunter2@h',
      tokenFile: 'eyJhbGciOiJSUzI1NiJ9.hunter2',
      keyFile: key,
      caFile: 'eyJhbGciOiJSUzI1NiJ9.hunter2',
      caData: `${certificate}${key}`,
    };
    const problems = problemsIn({ text: JSON.stringify({ hostCluster: wrong }, undefined, 1) });
    expect(problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['hostCluster.server', 'hostCluster.tokenFile', 'hostCluster.keyFile']),
    );
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});
