/** Texts that no reader of an annotation may fall over. Used by the tests of all readers. */

import fc from 'fast-check';

/** Texts that are no JSON object, by name. */
export const unparsableTexts: readonly (readonly [string, string])[] = [
  ['an empty text', ''],
  ['a blank', ' '],
  ['an empty list', '[]'],
  ['a list of objects', '[{"pfId":"0"}]'],
  ['a number', '0'],
  ['a negative number', '-1.5e3'],
  ['a boolean', 'true'],
  ['a string', '"default"'],
  ['a truncated object', '{"default":{"pfId":"0"'],
  ['a truncated string', '{"default'],
  ['two objects', '{}{}'],
  ['a trailing comma', '{"default":{},}'],
  ['single quotes', "{'default':{}}"],
  ['a comment', '{/* */}'],
  ['a byte order mark', '\ufeff{}'],
  ['a raw control character in a string', '{"def\u0001ault":{}}'],
  ['a NUL', '{}\u0000'],
  ['NaN', '{"default":NaN}'],
  ['a hundred nested objects', `${'{"a":'.repeat(100)}0${'}'.repeat(100)}`],
  ['as many open lists as fit', `{"a":${'['.repeat(8000)}${']'.repeat(8000)}}`],
  ['open brackets without end', '['.repeat(16_000)],
  ['quotes without end', '{"'.repeat(8_000)],
  ['escaped quotes without end', `{"${'\\"'.repeat(8_000)}`],
  ['a megabyte', `{"default":"${'x'.repeat(1_000_000)}"}`],
  ['a megabyte of blanks', ' '.repeat(1_000_000)],
  ['more bytes than characters', `{"default":"${'€'.repeat(30_000)}"}`],
  ['a thousand keys', `{${Array.from({ length: 1000 }, (_, index) => `"k${index}":1`).join(',')}}`],
];

/** JSON objects whose keys and values try to get out of their place; they are readable as objects. */
export const trickyTexts: readonly string[] = [
  '{"__proto__":{"pfId":"0","vfId":"1","sandboxId":"s","Status":"Ready","mac_address":"02:00:00:00:00:01"}}',
  '{"constructor":{"prototype":{"pfId":"9"}}}',
  '{"hasOwnProperty":1,"toString":null,"valueOf":{}}',
  '{"default":{"__proto__":{"pfId":"0","vfId":"1","sandboxId":"s","Status":"Ready"}}}',
  '{"default":{"constructor":"x","toString":{}}}',
  '{"default":null}',
  '{"default":[]}',
  '{"default":""}',
  '{"":{}}',
  '{"\\u0000":{}}',
  '{"default/../..":{}}',
  '{"default":{"pfId":"\\u0000","vfId":"../../0","sandboxId":"a key=value"}}',
  '{"default":{"\\ud800":"\\udfff"}}',
  '{"1":{},"0":{},"-0":{}}',
];

/** Any text: noise, JSON of any kind, JSON with the members that the readers look for, and the lists above. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json({ maxDepth: 4 }),
  fc
    .dictionary(
      fc.constantFrom('default', 'ns/a', 'ns/a/1', 'pfId', 'vfID', 'sandboxId', 'Status', 'reason', '__proto__', 'x'),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), wildEntry()),
    )
    .map((value) => JSON.stringify(value)),
  fc.constantFrom(...trickyTexts, ...unparsableTexts.map(([, text]) => text)),
);

function wildEntry(): fc.Arbitrary<unknown> {
  const names = ['pfId', 'PFID', 'vfId', 'sandboxId', 'vfNetdevName', 'Status', 'STATUS', 'Reason', 'mac_address'];
  const values = fc.oneof(fc.constantFrom('0', '1', 's', 'Ready', '02:00:00:00:00:01'), fc.jsonValue({ maxDepth: 1 }));
  return fc.dictionary(fc.constantFrom(...names, 'ip_address', 'ip_addresses', 'role', '__proto__'), values);
}

/** Keys of networks, all valid. */
export const anyNadKey: fc.Arbitrary<string> = fc.oneof(
  fc.constant('default'),
  fc
    .tuple(label(), fc.array(label(), { minLength: 1, maxLength: 3 }), fc.option(fc.integer({ min: 1, max: 99 })))
    .map(([ns, name, index]) => [ns, name.join('.'), ...(index === null ? [] : [index])].join('/')),
);

function label(): fc.Arbitrary<string> {
  return fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,6}[a-z0-9])?$/);
}

/** Whether a sentence may be printed as it is: bounded, and without control characters. */
export function isPrintable(text: string): boolean {
  return text.length <= 400 && !/\p{Cc}|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/u.test(text);
}
