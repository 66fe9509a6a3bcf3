/**
 * Waits for what every HTTP/2 client sends first (RFC 9113 section 3.4): 24 fixed bytes and the header of a SETTINGS frame. A
 * connection gets no session before, so that whoever sends something else, or nothing, costs a socket and no more.
 */

import type { Socket } from 'node:net';

const magic = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const frameHeaderBytes = 9;
const settingsType = 4;
const neededBytes = magic.length + frameHeaderBytes;

/** Whether bytes can still become, or are, the preface. */
export function judgePreface(bytes: Buffer): 'incomplete' | 'good' | 'bad' {
  const length = Math.min(bytes.length, magic.length);
  if (!bytes.subarray(0, length).equals(magic.subarray(0, length))) return 'bad';
  if (bytes.length < neededBytes) return 'incomplete';
  return bytes[magic.length + 3] === settingsType ? 'good' : 'bad';
}

/** Resolves when the preface is there, and puts it back; `bad` for other bytes, `closed` when the peer goes before. */
export function waitForPreface(socket: Socket): Promise<'good' | 'bad' | 'closed'> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const finish = (result: 'good' | 'bad' | 'closed'): void => {
      socket.off('readable', onReadable).off('close', onClose).off('end', onClose);
      resolve(result);
    };
    const onClose = (): void => finish('closed');
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      bytes = Buffer.concat([bytes, chunk]);
      const judgement = judgePreface(bytes);
      if (judgement === 'incomplete') return;
      if (judgement === 'good') socket.unshift(bytes);
      finish(judgement);
    };
    socket.on('readable', onReadable).once('close', onClose).once('end', onClose);
  });
}
