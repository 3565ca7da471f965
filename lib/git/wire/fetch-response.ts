/** The answer to a fetch request: acknowledgements, shallow information and the start of the pack, for v2, v0 and v1. */
import { GitferryError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { checkedOid } from './advertisement.ts';
import { type Pkt, pktText } from './pkt-line.ts';
import type { PktReader } from './pkt-reader.ts';

export interface FetchResponse {
  /** Haves that the server has too. */
  readonly acknowledged: ReadonlySet<Oid>;
  /** Commits whose parents the server does not send: what `deepen` cut off, or, unasked, a shallow source. */
  readonly shallows: readonly Oid[];
  /** Whether the pack follows in the same stream. */
  readonly packFollows: boolean;
}

/** Reads a v2 answer up to the pack (the reader then stands at its sideband data) or to its end. */
export async function parseFetchResponseV2(reader: PktReader, format: ObjectFormat): Promise<FetchResponse> {
  const acknowledged = new Set<Oid>();
  const shallows: Oid[] = [];
  for (;;) {
    const header = await reader.read();
    if (!Buffer.isBuffer(header)) {
      if (header === 'flush') return { acknowledged, shallows, packFollows: false };
      throw unexpected(header);
    }
    const section = pktText(header);
    if (section === 'packfile') return { acknowledged, shallows, packFollows: true };
    if (section !== 'acknowledgments' && section !== 'shallow-info') throw unexpected(header);
    for (;;) {
      const pkt = await reader.read();
      if (pkt === 'flush') return { acknowledged, shallows, packFollows: false };
      if (pkt === 'delim') break;
      if (!Buffer.isBuffer(pkt)) throw unexpected(pkt);
      const line = pktText(pkt);
      if (line.startsWith('ACK ')) acknowledged.add(checkedOid(line.slice(4).split(' ')[0] ?? '', format));
      else if (line.startsWith('shallow ')) shallows.push(checkedOid(line.slice(8), format));
      else if (!line.startsWith('unshallow ') && line !== 'NAK' && line !== 'ready') throw unexpected(pkt);
    }
  }
}

export interface FetchResponseV0Options {
  readonly format: ObjectFormat;
  /** Whether the request had `deepen`: then shallow lines and a flush come first. */
  readonly deepened: boolean;
  /** Whether the request ended with `done`. */
  readonly done: boolean;
}

/** Reads a v0 or v1 answer up to the pack, or (without `done`) to its end. */
export async function parseFetchResponseV0(reader: PktReader, { format, deepened, done }: FetchResponseV0Options): Promise<FetchResponse> {
  const acknowledged = new Set<Oid>();
  const shallows: Oid[] = [];
  if (deepened) {
    for (let pkt = await reader.read(); pkt !== 'flush'; pkt = await reader.read()) {
      if (!Buffer.isBuffer(pkt)) throw unexpected(pkt);
      const line = pktText(pkt);
      if (line.startsWith('shallow ')) shallows.push(checkedOid(line.slice(8), format));
      else if (!line.startsWith('unshallow ')) throw unexpected(pkt);
    }
  }
  for (;;) {
    const pkt = done ? await reader.read() : await reader.readOrEnd();
    if (pkt === undefined || pkt === 'flush') return { acknowledged, shallows, packFollows: false };
    if (!Buffer.isBuffer(pkt)) throw unexpected(pkt);
    const [word, oid = '', status] = pktText(pkt).split(' ');
    // With multi_ack_detailed `ready` may name an object that the server lacks (C git) or one that it has (JGit): who must know asks for one alone.
    if (word === 'ACK') acknowledged.add(checkedOid(oid, format));
    if (word === 'ERR') throw new GitferryError('remote_error', { words: printable(pktText(pkt).slice(4, 1000)) });
    if (word !== 'ACK' && word !== 'NAK') throw unexpected(pkt);
    // A NAK ends each round of acknowledgements, and without `done` there is one round.
    if (!done && word === 'NAK') return { acknowledged, shallows, packFollows: false };
    // With multi_ack the acknowledgements of haves carry a status; the last word before the pack does not.
    if (done && (word === 'NAK' || status === undefined)) return { acknowledged, shallows, packFollows: true };
  }
}

function unexpected(pkt: Pkt): GitferryError {
  const seen = Buffer.isBuffer(pkt) ? JSON.stringify(pktText(pkt)) : `${pkt} packet`;
  return new GitferryError('protocol_error', { detail: `Unexpected ${seen} in the answer to a fetch.` });
}
