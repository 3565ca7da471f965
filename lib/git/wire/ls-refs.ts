/** The ls-refs command of protocol v2, gitprotocol-v2(5): asks for refs by prefix, with symbolic refs and peeled tags. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { ObjectFormat } from '../object-id.ts';
import { type AdvertisedRef, checkedOid, splitOid, tooManyRefs } from './advertisement.ts';
import { delimPkt, encodePkt, flushPkt, pktText } from './pkt-line.ts';
import { type PktReader, throwIfErr } from './pkt-reader.ts';

export interface LsRefsRequest {
  /** Capability lines to send with the command: `agent=...`, `object-format=...`. */
  readonly capabilities: readonly string[];
  readonly prefixes: readonly string[];
  /** Ask for HEAD also where it names a branch that does not exist; only where the server offers it. */
  readonly unborn: boolean;
}

export interface LsRefsAnswer {
  readonly refs: readonly AdvertisedRef[];
  /** What HEAD names although that branch does not exist. */
  readonly unbornHead?: string;
}

export function encodeLsRefsRequest({ capabilities, prefixes, unborn }: LsRefsRequest): Buffer {
  const parts = [encodePkt('command=ls-refs\n')];
  for (const capability of capabilities) parts.push(encodePkt(capability));
  parts.push(delimPkt, encodePkt('peel\n'), encodePkt('symrefs\n'));
  if (unborn) parts.push(encodePkt('unborn\n'));
  for (const prefix of prefixes) parts.push(encodePkt(`ref-prefix ${prefix}\n`));
  parts.push(flushPkt);
  return Buffer.concat(parts);
}

/** Reads the list up to its flush packet. Throws `protocol_error`, `advertisement_too_large`, `remote_error`. */
export async function parseLsRefsAnswer(reader: PktReader, format: ObjectFormat): Promise<LsRefsAnswer> {
  const refs: AdvertisedRef[] = [];
  let unbornHead: string | undefined;
  for (;;) {
    const pkt = reader.tryRead();
    if (pkt === undefined) {
      if (!(await reader.fill())) throw new GitferryError('protocol_error', { detail: 'The list of refs ended in the middle.' });
      continue;
    }
    if (pkt === 'flush') break;
    if (!Buffer.isBuffer(pkt)) throw new GitferryError('protocol_error', { detail: `Unexpected ${pkt} packet in the list of refs.` });
    throwIfErr(pkt);
    const line = pktText(pkt);
    if (line.startsWith('unborn ')) {
      unbornHead = attribute(line, 'symref-target:') ?? unbornHead;
      continue;
    }
    refs.push(parseRefLine(line, format));
    if (refs.length > limits.refs) throw tooManyRefs();
  }
  return unbornHead === undefined ? { refs } : { refs, unbornHead };
}

/** `<oid> <name>[ symref-target:<name>][ peeled:<oid>]` */
function parseRefLine(line: string, format: ObjectFormat): AdvertisedRef {
  const { oid, rest } = splitOid(line, format);
  const space = rest.indexOf(' ');
  if (space < 0) return { name: rest, oid };
  const symrefTarget = attribute(line, 'symref-target:');
  const peeled = attribute(line, 'peeled:');
  return {
    name: rest.slice(0, space),
    oid,
    ...(symrefTarget === undefined ? {} : { symrefTarget }),
    ...(peeled === undefined ? {} : { peeled: checkedOid(peeled, format) }),
  };
}

function attribute(line: string, key: string): string | undefined {
  const word = line.split(' ').find((part) => part.startsWith(key));
  return word?.slice(key.length);
}
