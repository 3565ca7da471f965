/** What a service says first: the capabilities of protocol v2, or the refs and capabilities of v0 and v1 (gitprotocol-http(5), gitprotocol-pack(5)). */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { isZeroOid, type ObjectFormat, type Oid, oidLength } from '../object-id.ts';
import { Capabilities } from './capabilities.ts';
import { type Pkt, pktText } from './pkt-line.ts';
import { type PktReader, throwIfErr } from './pkt-reader.ts';

/** One line of a ref list. */
export interface AdvertisedRef {
  readonly name: string;
  readonly oid: Oid;
  /** The commit (or other object) that an annotated tag names in the end, where the server says. */
  readonly peeled?: Oid;
  /** Full name of the ref that a symbolic ref stands for, where the server says. */
  readonly symrefTarget?: string;
}

/** Refs whose value no object can have (all zeros, the wrong length, no digits): broken at their host, and neither there nor gone. By name. */
export type ImpossibleRefs = ReadonlySet<string>;

export type Advertisement =
  | { readonly version: 2; readonly capabilities: Capabilities; readonly objectFormat: ObjectFormat }
  | {
      readonly version: 0 | 1;
      readonly capabilities: Capabilities;
      readonly objectFormat: ObjectFormat;
      readonly refs: readonly AdvertisedRef[];
      readonly impossible: ImpossibleRefs;
      /** `.have` lines: objects the repository has through others (alternates), usable as haves. The first `limits.extraHaves`. */
      readonly extraHaves: readonly Oid[];
      /** `shallow` lines: commits whose parents the repository lacks. */
      readonly shallows: readonly Oid[];
    };

export type GitService = 'git-upload-pack' | 'git-receive-pack';

/**
 * Reads an advertisement up to its flush packet. `# service=` lines, which HTTP servers put in front, are skipped.
 * Throws `protocol_error`, `advertisement_too_large`, `remote_error` (an ERR line).
 */
export async function parseAdvertisement(reader: PktReader): Promise<Advertisement> {
  let first = throwIfErr(await nextPkt(reader));
  if (Buffer.isBuffer(first) && pktText(first).startsWith('# service=')) {
    first = throwIfErr(await nextPkt(reader));
    if (first === 'flush') {
      // The flush that ends the service line; an advertisement without anything behind it is an empty repository.
      const next = await reader.readOrEnd();
      first = next === undefined ? 'flush' : throwIfErr(next);
    }
  }
  if (Buffer.isBuffer(first) && pktText(first) === 'version 2') return parseV2(reader);
  if (Buffer.isBuffer(first) && pktText(first) === 'version 1') return parseV0(reader, 1, throwIfErr(await nextPkt(reader)));
  return parseV0(reader, 0, first);
}

async function parseV2(reader: PktReader): Promise<Advertisement> {
  const words: string[] = [];
  for (let pkt = await nextPkt(reader); pkt !== 'flush'; pkt = await nextPkt(reader)) {
    if (!Buffer.isBuffer(pkt)) throw unexpected(pkt);
    if (words.length === limits.capabilityLines) throw new GitferryError('protocol_error', { detail: 'It lists too many capabilities.' });
    words.push(pktText(pkt));
  }
  const capabilities = new Capabilities(words);
  return { version: 2, capabilities, objectFormat: capabilities.objectFormat() };
}

async function parseV0(reader: PktReader, version: 0 | 1, first: Pkt): Promise<Advertisement> {
  const refs: AdvertisedRef[] = [];
  const impossible = new Set<string>();
  const extraHaves: Oid[] = [];
  const shallows: Oid[] = [];
  let capabilities = new Capabilities([]);
  if (first === 'flush') return { version, capabilities, objectFormat: 'sha1', refs, impossible, extraHaves, shallows };
  if (!Buffer.isBuffer(first)) throw unexpected(first);

  const nul = first.indexOf(0);
  if (nul >= 0)
    capabilities = new Capabilities(
      pktText(first.subarray(nul + 1))
        .trim()
        .split(' '),
    );
  const objectFormat = capabilities.objectFormat();
  addLine(pktText(nul >= 0 ? first.subarray(0, nul) : first));
  await reader.readLines(addLine);
  const symrefs = new Map(capabilities.values('symref').map((value) => value.split(':', 2) as [string, string]));
  const named = symrefs.size === 0 ? refs : refs.map((ref) => withSymref(ref, symrefs.get(ref.name)));
  return { version, capabilities, objectFormat, refs: named, impossible, extraHaves, shallows };

  function addLine(line: string): void {
    if (line.startsWith('shallow ')) {
      shallows.push(checkedOid(line.slice(8), objectFormat));
      if (shallows.length > limits.shallowCommits)
        throw new GitferryError('protocol_error', { detail: `It is shallow at more than ${limits.shallowCommits} commits.` });
      return;
    }
    const { oid, rest: name } = splitOid(line, objectFormat);
    if (name === 'capabilities^{}') return;
    if (oid === undefined) {
      if (name.startsWith('refs/') && !name.endsWith('^{}')) impossible.add(name);
    } else if (name === '.have') {
      if (extraHaves.length < limits.extraHaves) extraHaves.push(oid);
    } else if (name.endsWith('^{}')) peelLast(refs, name.slice(0, -3), oid);
    else refs.push({ oid, name });
    if (refs.length + impossible.size > limits.refs) throw tooManyRefs();
  }
}

function withSymref(ref: AdvertisedRef, symrefTarget: string | undefined): AdvertisedRef {
  return symrefTarget === undefined ? ref : { ...ref, symrefTarget };
}

/** `name^{}` lines follow the tag they peel. */
function peelLast(refs: AdvertisedRef[], name: string, peeled: Oid): void {
  const last = refs.at(-1);
  if (last?.name === name) refs[refs.length - 1] = { ...last, peeled };
}

/**
 * Splits `<oid> <rest>`. Without an oid where what stands in its place can be no object's id, and a name follows; throws `protocol_error` for lines that
 * are none of a ref list.
 */
export function splitOid(line: string, format: ObjectFormat): { readonly oid: Oid | undefined; readonly rest: string } {
  const length = oidLength[format];
  const oid = line.slice(0, length);
  if (line[length] === ' ' && isOid(oid, format)) return { oid: isZeroOid(oid) ? undefined : oid, rest: line.slice(length + 1) };
  const space = line.indexOf(' ');
  const rest = line.slice(space + 1);
  if (space < 0 || !/^(refs\/|HEAD(?: |$)|\.have$)/.test(rest)) throw unexpectedLine(line);
  return { oid: undefined, rest };
}

/** By character code: 0 for lower-case hexadecimal digits, 1 for all else. */
const isNoHexDigit = Uint8Array.from({ length: 256 }, (_, code) => (/[0-9a-f]/.test(String.fromCharCode(code)) ? 0 : 1));

/** The text itself if it is an object id; throws `protocol_error` if not. */
export function checkedOid(text: string, format: ObjectFormat): Oid {
  if (!isOid(text, format)) throw unexpectedLine(text);
  return text;
}

/** Whether an object can have this id. */
export function isPossibleOid(text: string, format: ObjectFormat): boolean {
  return isOid(text, format) && !isZeroOid(text);
}

function isOid(text: string, format: ObjectFormat): boolean {
  if (text.length !== oidLength[format]) return false;
  // Half of the time that a long list takes goes into this check: a table without branches is twice as fast as comparisons or a regular expression.
  let wrong = 0;
  for (let index = 0; index < text.length; index++) wrong |= isNoHexDigit[text.charCodeAt(index)] ?? 1;
  return wrong === 0;
}

export function tooManyRefs(): GitferryError {
  return new GitferryError('advertisement_too_large', { detail: `There are more than ${limits.refs} refs.` });
}

function unexpectedLine(line: string): GitferryError {
  return new GitferryError('protocol_error', { detail: `Unexpected line ${JSON.stringify(line)}.` });
}

function unexpected(pkt: Pkt): GitferryError {
  return new GitferryError('protocol_error', { detail: `Unexpected ${Buffer.isBuffer(pkt) ? 'data' : pkt} packet.` });
}

async function nextPkt(reader: PktReader): Promise<Pkt> {
  const pkt = await reader.readOrEnd();
  if (pkt === undefined) throw new GitferryError('protocol_error', { detail: 'The answer ended before the list of refs did.' });
  return pkt;
}
