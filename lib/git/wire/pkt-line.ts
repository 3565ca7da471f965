/** The pkt-line framing, gitprotocol-common(5): four hexadecimal digits of length, then the data; 0000, 0001 and 0002 are marks. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';

export type PktMark = 'flush' | 'delim' | 'response-end';

/** One packet: its data (a view, no copy), or a mark. */
export type Pkt = Buffer | PktMark;

export const flushPkt: Buffer = Buffer.from('0000');
export const delimPkt: Buffer = Buffer.from('0001');

const marks: readonly PktMark[] = ['flush', 'delim', 'response-end'];
const headerBytes = 4;

/** A packet with this data; text is UTF-8 and gets no line feed added. Throws RangeError above 65,516 bytes: callers hold names within `limits.refNameBytes`. */
export function encodePkt(data: string | Uint8Array): Buffer {
  const payload = typeof data === 'string' ? Buffer.from(data) : data;
  const length = payload.length + headerBytes;
  if (length > limits.pktLineBytes)
    throw new RangeError(`a pkt-line holds at most ${limits.pktLineBytes - headerBytes} bytes, not ${payload.length}`);
  const pkt = Buffer.allocUnsafe(length);
  pkt.write(length.toString(16).padStart(headerBytes, '0'), 0, 'latin1');
  pkt.set(payload, headerBytes);
  return pkt;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * The length in the four digits at `offset`: at least 4, or 0 to 2 for the marks. Throws `protocol_error` for anything else,
 * so a packet never makes a reader wait for more than 64 KB.
 */
export function parsePktLength(bytes: Uint8Array, offset: number): number {
  const a = hexDigit(bytes[offset] ?? 0);
  const b = hexDigit(bytes[offset + 1] ?? 0);
  const c = hexDigit(bytes[offset + 2] ?? 0);
  const d = hexDigit(bytes[offset + 3] ?? 0);
  const length = (a << 12) | (b << 8) | (c << 4) | d;
  if (a < 0 || b < 0 || c < 0 || d < 0 || length === 3 || length > limits.pktLineBytes) {
    const seen = Buffer.from(bytes.subarray(offset, offset + headerBytes)).toString('latin1');
    throw new GitferryError('protocol_error', { detail: `Expected the length of a pkt-line, got ${JSON.stringify(seen)}.` });
  }
  return length;
}

/**
 * Decodes one packet at `offset`. Returns the packet and the offset behind it, or how many bytes are needed from `offset` on.
 * Does no I/O and keeps nothing. Throws `protocol_error` for a length that cannot be.
 */
export function decodePkt(bytes: Buffer, offset: number): { readonly pkt: Pkt; readonly end: number } | { readonly needBytes: number } {
  if (bytes.length - offset < headerBytes) return { needBytes: headerBytes };
  const length = parsePktLength(bytes, offset);
  const mark = marks[length];
  if (mark !== undefined) return { pkt: mark, end: offset + headerBytes };
  if (bytes.length - offset < length) return { needBytes: length };
  return { pkt: bytes.subarray(offset + headerBytes, offset + length), end: offset + length };
}

/** Data of a packet as text without its line feed. */
export function pktText(data: Buffer): string {
  const end = data.length > 0 && data[data.length - 1] === 10 ? data.length - 1 : data.length;
  return data.toString('utf8', 0, end);
}
