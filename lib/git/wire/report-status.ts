/** The target's report on a push, gitprotocol-pack(5) report-status: whether the pack was unpacked, then one line per ref. */

import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { printable } from '../../core/printable.ts';
import { pktText } from './pkt-line.ts';
import { type PktReader, throwIfErr } from './pkt-reader.ts';

export interface ReportStatus {
  /** `ok`, or the target's words on why it could not store the pack. */
  readonly unpack: string;
  /** Per ref: undefined for `ok`, the target's words for `ng`. What the report says may be wrong: see lib/mirror. */
  readonly refs: ReadonlyMap<string, string | undefined>;
}

/** Reads a report up to its flush packet or the end of the stream. Undefined if there is none. Throws `protocol_error`, `remote_error` (an ERR line). */
export async function parseReportStatus(reader: PktReader): Promise<ReportStatus | undefined> {
  let unpack: string | undefined;
  const refs = new Map<string, string | undefined>();
  for (let pkt = await reader.readOrEnd(); pkt !== undefined && pkt !== 'flush'; pkt = await reader.readOrEnd()) {
    if (!Buffer.isBuffer(pkt)) throw new GitferryError('protocol_error', { detail: `Unexpected ${pkt} packet in the report.` });
    throwIfErr(pkt);
    const line = pktText(pkt);
    const [word = '', name = '', ...words] = line.split(' ');
    if (word === 'unpack') unpack = printable(line.slice('unpack '.length));
    else if (word === 'ok') refs.set(name, undefined);
    else if (word === 'ng') refs.set(name, printable(words.join(' ')));
    // report-status-v2 has `option` lines, which say what a proc-receive hook made of a ref: the refs are judged by their values anyway.
    else if (word !== 'option')
      throw new GitferryError('protocol_error', { detail: `Unexpected line ${JSON.stringify(line)} in the report.` });
    if (refs.size > limits.commandsPerPush)
      throw new GitferryError('protocol_error', { detail: 'It reports on more refs than were pushed.' });
  }
  return unpack === undefined ? undefined : { unpack, refs };
}
