/** The ls-refs command of protocol v2, gitprotocol-v2(5): asks for refs by prefix, with symbolic refs and peeled tags. */
import { limits } from '../../core/limits.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { type AdvertisedRef, type ImpossibleRefs, isPossibleOid, splitOid, tooManyRefs } from './advertisement.ts';
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
  readonly impossible: ImpossibleRefs;
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
  const impossible = new Set<string>();
  let unbornHead: string | undefined;
  await reader.readLines((line) => {
    if (line.startsWith('unborn ')) {
      unbornHead = attributes(line, 0).symrefTarget ?? unbornHead;
      return;
    }
    const ref = parseRefLine(line, format);
    if (ref === 'HEAD') return;
    if (typeof ref === 'string') impossible.add(ref);
    else refs.push(ref);
    if (refs.length + impossible.size > limits.refs) throw tooManyRefs();
  });
  return unbornHead === undefined ? { refs, impossible } : { refs, impossible, unbornHead };
}

/** `<oid> <name>[ symref-target:<name>][ peeled:<oid>]`; the name alone where the value is impossible. */
function parseRefLine(line: string, format: ObjectFormat): AdvertisedRef | string {
  const { oid, rest } = splitOid(line, format);
  const space = rest.indexOf(' ');
  const name = space < 0 ? rest : rest.slice(0, space);
  if (oid === undefined) return name;
  if (space < 0) return { oid, name };
  const { symrefTarget, peeled: stated } = attributes(rest, space);
  const peeled = stated !== undefined && isPossibleOid(stated, format) ? stated : undefined;
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
