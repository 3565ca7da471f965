/** The ls-refs command of protocol v2, gitprotocol-v2(5): asks for refs by prefix, with symbolic refs and peeled tags. */
import { limits } from '../../core/limits.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { type AdvertisedRef, checkedOid, splitOid, tooManyRefs } from './advertisement.ts';
import { delimPkt, encodePkt, flushPkt } from './pkt-line.ts';
import type { PktReader } from './pkt-reader.ts';

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
  await reader.readLines((line) => {
    if (line.startsWith('unborn ')) {
      unbornHead = attributes(line, 0).symrefTarget ?? unbornHead;
      return;
    }
    refs.push(parseRefLine(line, format));
    if (refs.length > limits.refs) throw tooManyRefs();
  });
  return unbornHead === undefined ? { refs } : { refs, unbornHead };
}

/** `<oid> <name>[ symref-target:<name>][ peeled:<oid>]` */
function parseRefLine(line: string, format: ObjectFormat): AdvertisedRef {
  const { oid, rest } = splitOid(line, format);
  const space = rest.indexOf(' ');
  if (space < 0) return { oid, name: rest };
  const { symrefTarget, peeled } = attributes(rest, space);
  const name = rest.slice(0, space);
  if (peeled !== undefined) checkedOid(peeled, format);
  if (symrefTarget !== undefined) return peeled === undefined ? { oid, name, symrefTarget } : { oid, name, symrefTarget, peeled };
  return peeled === undefined ? { oid, name } : { oid, name, peeled };
}

/** Attributes from the space at `from` on; those that nobody asked for are skipped. */
function attributes(line: string, from: number): { readonly symrefTarget?: string | undefined; readonly peeled?: Oid | undefined } {
  let symrefTarget: string | undefined;
  let peeled: Oid | undefined;
  for (let space = from; space >= 0; ) {
    const next = line.indexOf(' ', space + 1);
    const word = line.slice(space + 1, next < 0 ? line.length : next);
    if (word.startsWith('peeled:')) peeled = word.slice('peeled:'.length);
    else if (word.startsWith('symref-target:')) symrefTarget = word.slice('symref-target:'.length);
    space = next;
  }
  return { symrefTarget, peeled };
}
