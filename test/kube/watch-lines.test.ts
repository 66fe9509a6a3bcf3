import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WatchLines } from '../../src/kube/watch-lines.js';
import { AgentError } from '../../src/lib/errors.js';

function linesOf(chunks: readonly Uint8Array[], lineSizeMax = 1 << 20): string[] {
  const lines = new WatchLines(lineSizeMax);
  return chunks.flatMap((chunk) => [...lines.push(chunk)]);
}

/** `bytes` cut at every one of `cuts`. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.slice(places[index - 1] ?? 0, end));
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
  return 'nothing';
}

describe('the lines of a watch', () => {
  it('are the same however the stream is cut', () => {
    const json = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('🦊 ü'), fc.constant('x'.repeat(9000)));
    fc.assert(
      fc.property(fc.array(json, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (texts, cuts) => {
        const lines = texts.map((text) => JSON.stringify({ text }));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        expect(linesOf(cutAt(bytes, cuts))).toEqual(lines);
        expect(linesOf([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(lines);
      }),
      { numRuns: 50 },
    );
  });

  it('leave out empty ones and keep what is not finished', () => {
    const lines = new WatchLines(100);
    expect([...lines.push(Buffer.from('\n\r\na\r\n\nbc'))]).toEqual(['a']);
    expect(lines.pendingSize).toBe(2);
    expect([...lines.push(Buffer.from('\n'))]).toEqual(['bc']);
    expect(lines.pendingSize).toBe(0);
  });

  it('do not change with the memory that a chunk was in', () => {
    const lines = new WatchLines(100);
    const chunk = Buffer.from('half ');
    expect([...lines.push(chunk)]).toEqual([]);
    chunk.fill('#');
    expect([...lines.push(Buffer.from('done\n'))]).toEqual(['half done']);
  });

  it('may be as long as the limit and not a byte longer, finished or not', () => {
    expect(linesOf([Buffer.from('1234567890\n')], 10)).toEqual(['1234567890']);
    expect(codeOf(() => linesOf([Buffer.from('12345678901\n')], 10))).toBe('LIMIT_EXCEEDED');
    expect(codeOf(() => linesOf([Buffer.from('123456'), Buffer.from('78901')], 10))).toBe('LIMIT_EXCEEDED');
  });

  it('must be UTF-8', () => {
    expect(codeOf(() => linesOf([Buffer.from([0x22, 0xff, 0x0a])]))).toBe('PEER_PROTOCOL');
  });

  it('cost no more memory than their bytes when they come byte by byte', () => {
    const lines = new WatchLines(1 << 20);
    const before = process.memoryUsage().arrayBuffers;
    const one = Uint8Array.of(0x61);
    for (let index = 0; index < 1 << 20; index += 1) for (const line of lines.push(one)) expect(line).toBe('never');
    expect(lines.pendingSize).toBe(1 << 20);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
  });
});
