import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatStatus, parseConnectionStatus, statusPatch } from '../../src/attach/connection-status.js';
import type { ConnectionStatus, SeenStatus } from '../../src/attach/connection-status.js';
import { podViewOf } from '../../src/attach/pod-view.js';
import type { PodView } from '../../src/model/pod.js';
import { applyJsonPatch } from './apply-json-patch.js';
import { anyNadKey, anyText, isPrintable, trickyTexts, unparsableTexts } from './hostile-texts.js';

const key = 'k8s.ovn.org/dpu.connection-status';
const path = '/metadata/annotations/k8s.ovn.org~1dpu.connection-status';
const ready: ConnectionStatus = { status: 'Ready', reason: undefined };
const failed: ConnectionStatus = { status: 'Error', reason: 'The function is claimed by another pod.' };

type Changes = ReadonlyMap<string, ConnectionStatus | undefined>;

/** A pod as the API server has it; `text` is its status annotation. */
function podObject(text: string | undefined, others: Readonly<Record<string, string>> = { other: 'kept' }) {
  const annotations = text === undefined ? others : { ...others, [key]: text };
  const metadata = { uid: 'u-1', namespace: 'ns', name: 'web', resourceVersion: '41' };
  const hasAny = Object.keys(annotations).length > 0;
  return { metadata: hasAny ? { ...metadata, annotations } : metadata, spec: { nodeName: 'node-1' } };
}

function viewOf(object: unknown): PodView {
  const view = podViewOf(object);
  if (view === undefined) throw new Error('no view');
  return view;
}

const patchOf = (text: string | undefined, changes: Changes): ReturnType<typeof statusPatch> =>
  statusPatch(viewOf(podObject(text)), changes);

function networksOf(text: string): ReadonlyMap<string, SeenStatus> {
  const reading = parseConnectionStatus(text);
  if (reading.kind !== 'read') throw new Error(`not read: ${reading.kind}`);
  return reading.networks;
}

describe('parseConnectionStatus', () => {
  it.each([
    ['{"default":{"Status":"Ready"}}', [['default', { status: 'Ready' }]]],
    ['{"default":{"status":"Ready","REASON":"x"}}', [['default', { status: 'Ready', reason: 'x' }]]],
    ['{"default":{"Status":"Error","Reason":""}}', [['default', { status: 'Error' }]]],
    ['{"Status":"Ready"}', [['default', { status: 'Ready' }]]],
    ['{"status":"Error","reason":"x"}', [['default', { status: 'Error', reason: 'x' }]]],
    ['{"Status":5}', []],
    ['{"Status":{"Status":""},"default":{"Status":"Ready"}}', [['default', { status: 'Ready' }]]],
    ['{"Status":"Ready","ns/a":{"Status":"Error"}}', [['ns/a', { status: 'Error' }]]],
    ['{"default":{"Status":5},"ns/a":{"Status":"Ready"}}', [['ns/a', { status: 'Ready' }]]],
    ['{"default":{"STATUS":"Ready","status":"Error"}}', []],
    ['{"default":{"Status":"a\\nb"}}', [['default', { status: 'a\\u000ab' }]]],
    ['{}', []],
  ] as const)('reads %s', (text, expected) => expect([...networksOf(text)]).toEqual(expected));

  it('cuts what is long', () => {
    const text = JSON.stringify({ default: { Status: 'S'.repeat(1000), Reason: 'R'.repeat(1000) } });
    expect(networksOf(text).get('default')).toEqual({ status: `${'S'.repeat(32)}…`, reason: `${'R'.repeat(120)}…` });
  });

  it('keeps every entry as it is written', () => {
    const reading = parseConnectionStatus('{"ns/a": {"Status" : "Ready","n":12345678901234567890}, "x":1.0}');
    expect(reading.kind === 'read' && [...reading.entries]).toEqual([
      ['ns/a', '{"Status" : "Ready","n":12345678901234567890}'],
      ['x', '1.0'],
    ]);
  });

  it.each(unparsableTexts)('calls %s unparsable', (_, text) => {
    expect(parseConnectionStatus(text).kind).toBe('unparsable');
  });

  it('takes more than the other annotations, because it is overwritten beyond', () => {
    const entries = Array.from({ length: 200 }, (_, index) => [
      `ns/n${index}`,
      { Status: 'Ready', pad: 'x'.repeat(90) },
    ]);
    const text = JSON.stringify(Object.fromEntries(entries));
    expect(text.length).toBeGreaterThan(16 * 1024);
    expect(networksOf(text).size).toBe(200);
  });

  it.each([undefined, 'null'])('calls %s absent', (text) => expect(parseConnectionStatus(text).kind).toBe('absent'));

  it.each(trickyTexts)('finds no status in %s', (text) => expect(networksOf(text).size).toBe(0));

  it('never throws, and says nothing unprintable', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const reading = parseConnectionStatus(text);
        if (reading.kind === 'unparsable') expect(isPrintable(reading.problem)).toBe(true);
        if (reading.kind !== 'read') return;
        for (const { status, reason = '' } of reading.networks.values())
          expect(isPrintable(status + reason)).toBe(true);
        for (const raw of reading.entries.values()) expect(() => JSON.parse(raw) as unknown).not.toThrow();
      }),
    );
  });
});

describe('formatStatus', () => {
  it.each([
    [ready, '{"Status":"Ready"}'],
    [{ status: 'Error', reason: 'No such function.' }, '{"Status":"Error","Reason":"No such function."}'],
    [{ status: 'Error', reason: '' }, '{"Status":"Error"}'],
    [{ status: 'Error', reason: ' \n\u0000 ' }, '{"Status":"Error"}'],
    [{ status: 'Error', reason: 'a\u001b[31mb\u202ec\né' }, '{"Status":"Error","Reason":"a [31mb c"}'],
    [{ status: 'Error', reason: 'x'.repeat(500) }, `{"Status":"Error","Reason":"${'x'.repeat(120)}"}`],
  ] as const)('writes %j', (status, text) => expect(formatStatus(status)).toBe(text));

  it('writes what is read back', () => {
    const reason = fc.option(fc.stringMatching(/^[!-~]([ -~]{0,100}[!-~])?$/), { nil: undefined });
    fc.assert(
      fc.property(anyNadKey, fc.constantFrom('Ready' as const, 'Error' as const), reason, (nadKey, status, why) => {
        const seen = networksOf(`{"${nadKey}":${formatStatus({ status, reason: why })}}`).get(nadKey);
        expect(seen).toEqual(why === undefined ? { status } : { status, reason: why });
      }),
    );
  });
});

describe('statusPatch: operations', () => {
  const uidTest = { op: 'test', path: '/metadata/uid', value: 'u-1' };
  const versionTest = { op: 'test', path: '/metadata/resourceVersion', value: '41' };
  const text = '{"default":{"Status":"Ready"}}';

  it('makes the map of annotations where the pod has none', () => {
    expect(statusPatch(viewOf(podObject(undefined, {})), new Map([['default', ready]]))).toEqual({
      operations: [
        uidTest,
        versionTest,
        { op: 'add', path: '/metadata/annotations', value: {} },
        { op: 'add', path, value: text },
      ],
      text,
    });
  });

  it('adds the annotation where the pod has others', () => {
    expect(patchOf(undefined, new Map([['default', ready]]))).toEqual({
      operations: [uidTest, versionTest, { op: 'add', path, value: text }],
      text,
    });
  });

  it.each([
    ['{"default":{"Status":"Error","Reason":"x"}}', text],
    ['{"ns/a":{"Status":"Ready"}}', '{"ns/a":{"Status":"Ready"},"default":{"Status":"Ready"}}'],
    ['{}', text],
    ['null', text],
  ])('replaces %s if it is still that', (old, expected) => {
    expect(patchOf(old, new Map([['default', ready]]))).toEqual({
      operations: [uidTest, versionTest, { op: 'test', path, value: old }, { op: 'replace', path, value: expected }],
      text: expected,
    });
  });

  const detailsKey = 'k8s.ovn.org/dpu.connection-details';
  const details = ' {"default":{"pfId":"0","vfId":"1","sandboxId":"s1"}} ';
  const detailsTest = {
    op: 'test',
    path: '/metadata/annotations/k8s.ovn.org~1dpu.connection-details',
    value: details,
  };

  it('says a word only beside the very details that it was said of', () => {
    const old = '{"default":{"Status":"Error"}}';
    const pod = viewOf(podObject(old, { [detailsKey]: details }));
    const replace = [
      { op: 'test', path, value: old },
      { op: 'replace', path, value: text },
    ];
    const said = statusPatch(pod, new Map([['default', ready]]));
    expect(said?.operations).toEqual([uidTest, detailsTest, ...replace]);
    const added = statusPatch(viewOf(podObject(undefined, { [detailsKey]: details })), new Map([['default', ready]]));
    expect(added?.operations).toEqual([uidTest, versionTest, detailsTest, { op: 'add', path, value: text }]);
    const unreadable = viewOf(podObject(old, { [detailsKey]: 'x'.repeat(1_000_000) }));
    expect(statusPatch(unreadable, new Map([['default', ready]]))?.operations).toEqual([
      uidTest,
      versionTest,
      ...replace,
    ]);
  });

  it('takes a word back whatever the details are by now', () => {
    const old = '{"default":{"Status":"Ready"}}';
    const pod = viewOf(podObject(old, { [detailsKey]: details }));
    expect(statusPatch(pod, new Map([['default', undefined]]))?.operations).toEqual([
      uidTest,
      { op: 'test', path, value: old },
      { op: 'replace', path, value: '{}' },
    ]);
  });

  it.each(unparsableTexts)('overwrites %s, guarded by the version', (_, old) => {
    expect(patchOf(old, new Map([['default', ready]]))).toEqual({
      operations: [uidTest, versionTest, { op: 'add', path, value: text }],
      text,
    });
  });
});

describe('statusPatch: text', () => {
  it.each<[string, string, Changes, string]>([
    [
      'rewrites the legacy form as a map',
      ' {"Status":"Error"} ',
      new Map([['default', ready]]),
      '{"default":{"Status":"Ready"}}',
    ],
    [
      'carries the legacy status over',
      '{"Status":"Ready", "n":1.0}',
      new Map([['ns/a', failed]]),
      '{"default":{"Status":"Ready", "n":1.0},"ns/a":{"Status":"Error","Reason":"The function is claimed by another pod."}}',
    ],
    ['removes an entry', '{"ns/a":{"Status":"Ready"},"default":{}}', new Map([['ns/a', undefined]]), '{"default":{}}'],
    ['leaves an empty object behind', '{"default":{"Status":"Ready"}}', new Map([['default', undefined]]), '{}'],
    ['removes the legacy status', '{"Status":"Ready"}', new Map([['default', undefined]]), '{}'],
    [
      'changes several at once',
      '{"ns/a":{"Status":"Ready"},"ns/b":{"Status":"Ready"}}',
      new Map([
        ['ns/a', undefined],
        ['ns/b', ready],
        ['ns/c', ready],
      ]),
      '{"ns/b":{"Status":"Ready"},"ns/c":{"Status":"Ready"}}',
    ],
    [
      'keeps numbers, spaces and unknown members of others',
      '{"b/x" : {"n": 12345678901234567890, "Status":"Odd"},"__proto__":{"a":[1.0]},"default":null}',
      new Map([['ns/a', ready]]),
      '{"b/x":{"n": 12345678901234567890, "Status":"Odd"},"__proto__":{"a":[1.0]},"default":null,"ns/a":{"Status":"Ready"}}',
    ],
    [
      'drops what would make ovn-kubernetes refuse the whole text',
      '{"x":5,"y":"Ready","z":[],"ns/b":{"Status":5},"ns/c":{"reason":{}},"ns/d":{"Status":null}}',
      new Map([['ns/a', ready]]),
      '{"ns/d":{"Status":null},"ns/a":{"Status":"Ready"}}',
    ],
    [
      'drops it even where our own entry is right already',
      '{"Status":"Ready","default":{"Status":"Error"}}',
      new Map([['default', { status: 'Error', reason: undefined }]]),
      '{"default":{"Status":"Error"}}',
    ],
    [
      'rewrites an entry that readers may take for different things',
      '{"default":{"Status":"Ready","status":"Error"}}',
      new Map([['default', ready]]),
      '{"default":{"Status":"Ready"}}',
    ],
    [
      'takes the reason away',
      '{"default":{"Status":"Ready","Reason":"x"}}',
      new Map([['default', ready]]),
      '{"default":{"Status":"Ready"}}',
    ],
    ['removes an entry that is junk', '{"default":5}', new Map([['default', undefined]]), '{}'],
  ])('%s', (_, old, changes, expected) => expect(patchOf(old, changes)?.text).toBe(expected));

  it.each<[string | undefined, Changes]>([
    ['{"default":{"Status":"Ready"}}', new Map([['default', ready]])],
    ['{"default":{"status":"Ready","reason":"","more":1}}', new Map([['default', ready]])],
    ['{"Status":"Ready"}', new Map([['default', ready]])],
    [`{"default":${formatStatus(failed)}}`, new Map([['default', failed]])],
    ['{"default":{"Status":"Ready"}}', new Map()],
    ['{"default":{"Status":"Ready"}}', new Map([['ns/a', undefined]])],
    [undefined, new Map([['default', undefined]])],
    ['null', new Map([['default', undefined]])],
    ['[]', new Map([['default', undefined]])],
    ['{"x":5}', new Map([['default', undefined]])],
  ])('writes nothing where %s says so already', (old, changes) => expect(patchOf(old, changes)).toBeUndefined());
});

describe('statusPatch: properties', () => {
  const status = fc.record({
    status: fc.constantFrom('Ready' as const, 'Error' as const),
    reason: fc.option(fc.string({ unit: 'binary', maxLength: 200 }), { nil: undefined }),
  });
  const changes = fc
    .uniqueArray(fc.tuple(anyNadKey, fc.option(status, { nil: undefined })), {
      selector: ([name]) => name,
      maxLength: 5,
    })
    .map((pairs): Changes => new Map(pairs));
  const siblings = fc.dictionary(
    fc.oneof(anyNadKey, fc.string()),
    fc.dictionary(fc.constantFrom('Status', 'Reason', 'status', 'more'), fc.string({ maxLength: 20 })),
    { maxKeys: 6 },
  );
  const oldText = fc.oneof(
    fc.constant(undefined),
    anyText,
    siblings.map((value) => JSON.stringify(value)),
  );
  const others = fc.constantFrom({}, { other: 'kept' });

  it('says after the patch what is wanted, of every network in it, and changes nothing else of the pod', () => {
    fc.assert(
      fc.property(oldText, others, changes, (old, more, wanted) => {
        const before = podObject(old, more);
        const patch = statusPatch(viewOf(before), wanted);
        if (patch === undefined) return;
        expect(patch.operations[0]).toEqual({ op: 'test', path: '/metadata/uid', value: 'u-1' });
        const after = applyJsonPatch(before, patch.operations);
        expect(after).toEqual(podObject(patch.text, more));
        const seen = networksOf(patch.text);
        for (const [name, entry] of wanted) {
          expect(seen.get(name)?.status).toBe(entry?.status);
          expect(seen.get(name)?.reason ?? '').toMatch(/^[\x20-\x7e]{0,120}$/);
        }
        // What was written satisfies: nothing is written twice.
        expect(statusPatch(viewOf(after), wanted)).toBeUndefined();
      }),
    );
  });

  it('preserves siblings exactly', () => {
    fc.assert(
      fc.property(siblings, changes, (entries, wanted) => {
        const isEmpty = Object.keys(entries).length === 0;
        const patch = patchOf(isEmpty ? undefined : JSON.stringify(entries), wanted);
        if (patch === undefined) return;
        const after = new Map(Object.entries(JSON.parse(patch.text) as object));
        for (const [name, value] of Object.entries(entries)) {
          if (!wanted.has(name)) expect(after.get(name)).toEqual(value);
        }
        for (const name of after.keys()) expect(wanted.has(name) || Object.hasOwn(entries, name)).toBe(true);
      }),
    );
  });

  it('fails on another incarnation of the pod, and on a text that changed meanwhile', () => {
    fc.assert(
      fc.property(oldText, others, changes, (old, more, wanted) => {
        const before = podObject(old, more);
        const patch = statusPatch(viewOf(before), wanted);
        if (patch === undefined) return;
        const again = { ...before, metadata: { ...before.metadata, uid: 'u-2' } };
        expect(() => applyJsonPatch(again, patch.operations)).toThrow();
        const changed = podObject(`${old ?? ''} `, more);
        const newer = { ...changed, metadata: { ...changed.metadata, resourceVersion: '42' } };
        expect(() => applyJsonPatch(newer, patch.operations)).toThrow();
      }),
    );
  });
});
