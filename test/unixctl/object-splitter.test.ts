import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObjectSplitter } from '../../src/unixctl/object-splitter.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('the splitter of JSON objects', () => {
  it('finds the same objects however the stream is cut', () => {
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(object, { maxLength: 4 }), fc.integer({ min: 1, max: 9 }), (objects, step) => {
        const stream = bytes(objects.map((entry) => JSON.stringify(entry)).join(' \n'));
        const splitter = new ObjectSplitter(1_000_000);
        const found: string[] = [];
        for (let at = 0; at < stream.length; at += step) found.push(...splitter.push(stream.subarray(at, at + step)));
        expect(found.map((text) => text.trim())).toEqual(objects.map((entry) => JSON.stringify(entry)));
      }),
    );
  });

  it('refuses what is no object', () => {
    expect(() => new ObjectSplitter(10).push(bytes('x'))).toThrow('no JSON object');
  });

  it('refuses an object that is longer than agreed, before it is complete', () => {
    const splitter = new ObjectSplitter(10);
    splitter.push(bytes('{"a":"'));
    expect(() => splitter.push(bytes('0123456789'))).toThrow('longer than 10');
  });
});
