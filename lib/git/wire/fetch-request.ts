/** A fetch request: `command=fetch` of protocol v2 (gitprotocol-v2(5)), and the want/have request of v0 and v1 (gitprotocol-pack(5)). */
import type { Oid } from '../object-id.ts';
import { delimPkt, encodePkt, flushPkt } from './pkt-line.ts';

export interface FetchRequest {
  readonly wants: readonly Oid[];
  /** Each once; callers put the most useful first. */
  readonly haves: readonly Oid[];
  /** Commits without parents on the side that will get the pack. */
  readonly shallows?: readonly Oid[];
  /** History no deeper than this many commits. */
  readonly depth?: number;
  /** git-rev-list(1) filter, e.g. `tree:0`. Only where the server offers filters. */
  readonly filter?: string;
  /** With `done` a pack follows; without, only acknowledgements. */
  readonly done: boolean;
  readonly thinPack: boolean;
  readonly ofsDelta: boolean;
  /** v2: no pack before `done`, even if the server has heard enough. Only where offered. */
  readonly waitForDone?: boolean;
}

/** The request of protocol v2; `capabilities` are the lines before the delimiter (`agent=...`, `object-format=...`). */
export function encodeFetchRequestV2(request: FetchRequest, capabilities: readonly string[]): Buffer {
  const parts = [encodePkt('command=fetch')];
  for (const capability of capabilities) parts.push(encodePkt(capability));
  parts.push(delimPkt);
  if (request.thinPack) parts.push(encodePkt('thin-pack'));
  parts.push(encodePkt('no-progress'));
  if (request.ofsDelta) parts.push(encodePkt('ofs-delta'));
  if (request.waitForDone === true) parts.push(encodePkt('wait-for-done'));
  for (const oid of request.shallows ?? []) parts.push(encodePkt(`shallow ${oid}`));
  if (request.depth !== undefined) parts.push(encodePkt(`deepen ${request.depth}`));
  if (request.filter !== undefined) parts.push(encodePkt(`filter ${request.filter}`));
  for (const oid of request.wants) parts.push(encodePkt(`want ${oid}\n`));
  for (const oid of request.haves) parts.push(encodePkt(`have ${oid}\n`));
  if (request.done) parts.push(encodePkt('done\n'));
  parts.push(flushPkt);
  return Buffer.concat(parts);
}

/** The request of v0 and v1; `capabilities` go on the first want and must have been offered. At least one want. */
export function encodeFetchRequestV0(request: FetchRequest, capabilities: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  request.wants.forEach((oid, index) => {
    parts.push(encodePkt(index === 0 ? `want ${oid} ${capabilities.join(' ')}\n` : `want ${oid}\n`));
  });
  for (const oid of request.shallows ?? []) parts.push(encodePkt(`shallow ${oid}`));
  if (request.depth !== undefined) parts.push(encodePkt(`deepen ${request.depth}`));
  if (request.filter !== undefined) parts.push(encodePkt(`filter ${request.filter}`));
  parts.push(flushPkt);
  for (const oid of request.haves) parts.push(encodePkt(`have ${oid}\n`));
  parts.push(request.done ? encodePkt('done\n') : flushPkt);
  return Buffer.concat(parts);
}
