import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  leaseReading,
  microTime,
  newLease,
  renewedLeaseObject,
  renewTimeAnnotation,
  writerAnnotation,
} from '../../src/adapters/cluster-lease-object.js';
import type { Renewal } from '../../src/adapters/cluster-lease-object.js';

const renewal: Renewal = {
  holderIdentity: 'ovnkube-dpu-node',
  durationSeconds: 40,
  renewTime: '2026-01-02T03:04:05.006000Z',
  writer: { owner: 'default', instance: 'a1' },
  node: { name: 'host-a', uid: 'node-1' },
};

describe('the lease on the wire', () => {
  it('is created as ovn-kubernetes creates it, with the mark of the agent', () => {
    expect(newLease('ovn-kubernetes', 'ovn-dpu-host-a', renewal)).toEqual({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: 'ovn-dpu-host-a',
        namespace: 'ovn-kubernetes',
        annotations: { [renewTimeAnnotation]: renewal.renewTime, [writerAnnotation]: 'default/a1' },
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Node',
            name: 'host-a',
            uid: 'node-1',
            controller: true,
            blockOwnerDeletion: false,
          },
        ],
      },
      spec: {
        holderIdentity: 'ovnkube-dpu-node',
        leaseDurationSeconds: 40,
        acquireTime: renewal.renewTime,
        renewTime: renewal.renewTime,
      },
    });
  });

  it('keeps what others wrote when it is renewed, its version and the time of its acquisition too', () => {
    const lease = {
      kind: 'Lease',
      metadata: { uid: 'u1', resourceVersion: '9', annotations: { other: 'x' }, labels: { a: 'b' } },
      spec: { acquireTime: 'then', renewTime: 'once', leaseTransitions: 3, strategy: 'OldestEmulationVersion' },
    };
    expect(renewedLeaseObject(lease, renewal)).toMatchObject({
      kind: 'Lease',
      metadata: { uid: 'u1', resourceVersion: '9', annotations: { other: 'x' }, labels: { a: 'b' } },
      spec: {
        acquireTime: 'then',
        renewTime: renewal.renewTime,
        leaseTransitions: 3,
        strategy: 'OldestEmulationVersion',
      },
    });
  });

  it('replaces the reference to an earlier node, leaves others, and never makes a second controller', () => {
    const owners = [
      { kind: 'Node', name: 'host-a', uid: 'old', controller: true },
      { kind: 'ConfigMap', name: 'x', uid: 'c1', controller: true },
    ];
    const object = renewedLeaseObject({ metadata: { ownerReferences: owners } }, renewal);
    expect(object).toMatchObject({
      metadata: { ownerReferences: [owners[1], { kind: 'Node', uid: 'node-1', controller: false }] },
    });
  });

  it('leaves the references alone while the node is not known', () => {
    const owners = [{ kind: 'Node', name: 'host-a', uid: 'old' }];
    const object = renewedLeaseObject({ metadata: { ownerReferences: owners } }, { ...renewal, node: undefined });
    expect(object).toMatchObject({ metadata: { ownerReferences: owners } });
  });

  it('has times with six digits', () => {
    expect(microTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02T03:04:05.006000Z');
  });
});

describe('what is read of a lease', () => {
  it('is what was written, mark and all', () => {
    const reading = leaseReading(newLease('n', 'l', renewal), undefined);
    expect(reading).toEqual({
      uid: '',
      renewTime: renewal.renewTime,
      acquireTime: renewal.renewTime,
      durationMs: 40_000,
      mark: { owner: 'default', instance: 'a1', renewTime: renewal.renewTime },
      writtenBy: 'ovnkube-dpu-node',
      writtenAgoMs: undefined,
    });
  });

  it('takes the age of the renewal and its program from the fields of the newest writer, by the clock of the server', () => {
    const entry = (manager: string, time: string, field: string): unknown => ({
      manager,
      time,
      fieldsV1: { 'f:spec': { [field]: {} } },
    });
    const managedFields = [
      entry('older', '2026-01-01T00:00:00Z', 'f:renewTime'),
      entry('ovnkube', '2026-01-01T00:01:00Z', 'f:renewTime'),
      entry('other', '2026-01-01T00:02:00Z', 'f:leaseTransitions'),
    ];
    const lease = { metadata: { managedFields }, spec: { holderIdentity: 'x\n', renewTime: 't1' } };
    const reading = leaseReading(lease, Date.UTC(2026, 0, 1, 0, 1, 30));
    expect(reading).toMatchObject({ writtenAgoMs: 30_000, writtenBy: 'x\\u000a (written by ovnkube)' });
  });

  it('knows an owner with a slash in its name', () => {
    const writer = { owner: 'rack/7', instance: 'a1' };
    expect(leaseReading(newLease('n', 'l', { ...renewal, writer }), undefined).mark).toMatchObject(writer);
  });

  it('takes whatever is no text for missing, and never throws', () => {
    const lease = {
      metadata: { uid: 7, annotations: [renewTimeAnnotation], managedFields: [null, 5, { fieldsV1: 'x' }] },
      spec: { renewTime: 12, acquireTime: { a: 1 }, leaseDurationSeconds: '40', holderIdentity: null },
    };
    expect(leaseReading(lease, 5)).toEqual({
      uid: '',
      renewTime: undefined,
      acquireTime: undefined,
      durationMs: undefined,
      mark: undefined,
      writtenBy: 'nobody named',
      writtenAgoMs: undefined,
    });
    fc.assert(
      fc.property(fc.jsonValue(), fc.option(fc.double(), { nil: undefined }), (value, serverMs) => {
        expect(leaseReading(value, serverMs).uid).toBe(leaseReading(value, undefined).uid);
        expect(renewedLeaseObject(value, renewal)).toHaveProperty('spec.renewTime', renewal.renewTime);
      }),
    );
  });
});
