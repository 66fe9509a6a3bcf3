import { describe, expect, it } from 'vitest';
import { parseContexts } from '../../src/cli/contexts-file.js';
import { contextsPath, pickTarget } from '../../src/cli/pick-target.js';

const text = `
current-context: dpu-7
contexts:
  dpu-7: { address: "dpu-7.example.net:8443", ca: ca.pem, cert: me.pem, key: /keys/me.key }
  here: { address: "unix:/tmp/api.sock" }
`;
const load = () => Promise.resolve(parseContexts('/home/me/.config/dpuctl/config.yaml', text));
const none = () => Promise.resolve(undefined);
const local = { kind: 'unix', path: '/run/dpu-node-agent/api.sock' };
const certificates = {
  caFile: '/home/me/.config/dpuctl/ca.pem',
  certFile: '/home/me/.config/dpuctl/me.pem',
  keyFile: '/keys/me.key',
  serverName: undefined,
};
const seven = { kind: 'tls', host: 'dpu-7.example.net', port: 8443, ...certificates };

describe('the agent that is meant', () => {
  it('is that of this machine when nothing is said and there is no file', async () => {
    expect(await pickTarget({}, {}, none)).toEqual(local);
  });

  it('is that of the current context, unless the environment or the options say another', async () => {
    expect(await pickTarget({}, {}, load)).toEqual(seven);
    expect(await pickTarget({}, { DPU_AGENT_RUN_DIR: '/env' }, load)).toEqual({ kind: 'unix', path: '/env/api.sock' });
    const both = { DPU_AGENT_RUN_DIR: '/env', DPUCTL_ADDRESS: 'unix:/env/other.sock' };
    expect(await pickTarget({}, both, load)).toEqual({ kind: 'unix', path: '/env/other.sock' });
    expect(await pickTarget({ 'run-dir': '/option' }, both, load)).toEqual({
      kind: 'unix',
      path: '/option/api.sock',
    });
    expect(await pickTarget({ context: 'here' }, both, load)).toEqual({ kind: 'unix', path: '/tmp/api.sock' });
  });

  it('is reached with the certificates of the context and the name that the options give', async () => {
    const options = { context: 'dpu-7', address: '192.0.2.7:8443', 'server-name': 'dpu-7.example.net' };
    expect(await pickTarget(options, {}, load)).toEqual({
      ...seven,
      host: '192.0.2.7',
      serverName: 'dpu-7.example.net',
    });
  });

  it('is refused without certificates, and for a context that there is not', async () => {
    await expect(pickTarget({ address: 'dpu:8443' }, {}, none)).rejects.toThrow('certificates are missing');
    await expect(pickTarget({ context: 'moon' }, {}, load)).rejects.toMatchObject({
      code: 'USAGE',
      remedy: 'There are: dpu-7, here.',
    });
    await expect(pickTarget({ context: 'moon' }, {}, none)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the contexts file', () => {
  it('is where the environment says, else in the home directory', () => {
    expect(contextsPath({ DPUCTL_CONFIG: '/x/y.yaml', HOME: '/home/me' })).toBe('/x/y.yaml');
    expect(contextsPath({ HOME: '/home/me' })).toBe('/home/me/.config/dpuctl/config.yaml');
    expect(contextsPath({})).toBeUndefined();
  });

  it.each([
    ['a: [', 'is no YAML'],
    ['- a', 'the file: is no mapping'],
    ['context: a', 'context: is unknown'],
    ['contexts: { a: { adress: x } }', 'contexts.a.adress: is unknown'],
    ['contexts: { a: { address: 7 } }', 'contexts.a.address: is no text'],
    ['current-context: 7', 'current-context: is no text'],
  ])('is refused: %s', (wrong, message) => {
    expect(() => parseContexts('/c.yaml', wrong)).toThrow(message);
  });

  it('may be empty', () => {
    expect(parseContexts('/c.yaml', '').contexts.size).toBe(0);
  });
});
