import { describe, expect, it } from 'vitest';
import { attachSchema, hostClusterSchema } from '../../src/config/schema-attach.js';

describe('hostClusterSchema', () => {
  it.each([
    ['server', 'https://10.0.0.1:6443', true],
    ['server', 'https://[fd00::1]:6443', true],
    ['server', 'https://api.example.com/k8s/clusters/c-1', true],
    ['server', 'http://127.0.0.1:8001', true],
    ['server', '10.0.0.1:6443', false],
    ['server', 'https://user:pass@10.0.0.1', false],
    ['server', 'https://10.0.0.1/?a=b', false],
    ['nodeName', 'worker-3.example.com', true],
    ['nodeName', 'Worker', false],
    ['nodeName', '../x', false],
    ['context', 'dpu@host cluster', true],
    ['context', 'a\nb', false],
    ['tokenFile', '/run/token', true],
    ['tokenFile', 'token', false],
  ])('judges %s %s', (key, value, isValid) => {
    expect(hostClusterSchema.safeParse({ [key]: value }).success).toBe(isValid);
  });
});

describe('attachSchema', () => {
  it.each([
    ['0-15', true],
    ['0-15,20, 22', true],
    ['7', true],
    ['', false],
    ['1-', false],
    ['1-2-3', false],
    ['-1', false],
    ['99999', false],
  ])('judges the VFs %s of a pool', (vfs, isValid) => {
    expect(attachSchema.safeParse({ pools: [{ pf: 0, vfs }] }).success).toBe(isValid);
  });

  it.each([
    [{ waitMs: 1000 }, true],
    [{ waitMs: 999 }, false],
    [{ waitMs: 115_001 }, false],
    [{ statusConcurrency: 64 }, true],
    [{ statusConcurrency: 0 }, false],
    [{ statusConcurrency: 65 }, false],
    [{ mtu: 67 }, false],
    [{ mode: 'replace' }, false],
    [{ pools: [] }, false],
    [{ pools: [{ pf: 16 }] }, false],
    [{ reserved: [] }, true],
    [{ reserved: [{ pf: 0 }] }, false],
    [{ resourceNames: ['nvidia.com/bf3_p0_vfs'] }, true],
    [{ resourceNames: ['cpu'] }, false],
    [{ lease: { renewMs: 0 } }, true],
    [{ lease: { namespace: 'a/b' } }, false],
  ])('judges %j', (section, isValid) => {
    expect(attachSchema.safeParse(section).success).toBe(isValid);
  });
});
