/** A Git server over HTTP that answers each message with what a case says, in place of what a server would. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodePkt, encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { type FaultHttpServer, startFaultServer } from '../support/fault-server.ts';
import { commitContent, makePack, oidOf } from '../support/made-pack.ts';

/** `advertisement` of either service; `ls-refs`, `fetch` (a question or the pack) and `push` are requests. */
export type Stage = 'advertisement' | 'ls-refs' | 'fetch' | 'push';

export interface HostileAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Endless where it never ends: it is written as fast as it is taken. */
  readonly body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Leaves the connection open behind the body. */
  readonly staysOpen?: boolean;
}

export type Answers = Partial<Record<Stage, (body: string) => HostileAnswer | undefined>>;

const tree = Buffer.alloc(0);
const content = commitContent([]).toString().replace('4'.repeat(40), oidOf('tree', tree));
export const hostileCommit = oidOf('commit', Buffer.from(content));
export const rightPack = makePack([
  { type: 'commit', content: Buffer.from(content) },
  { type: 'tree', content: tree },
]);

export function pkts(...lines: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt]);
}

/** `packfile`, then these bytes on band 1. */
export function packAnswer(pack: Uint8Array): Buffer {
  return Buffer.concat([encodePkt('packfile\n'), inBand(1, pack), flushPkt]);
}

/** A source with one branch, and a target that is empty and takes everything, but for what `answers` say. */
export function startHostileServer(answers: Answers): Promise<FaultHttpServer> {
  return startFaultServer((request, response) => {
    void respond(answers, request, response).catch(() => response.destroy());
  });
}

async function respond(answers: Answers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const service = /git-(upload|receive)-pack/.exec(request.url ?? '')?.[0] ?? 'git-upload-pack';
  const isDiscovery = request.method === 'GET';
  const stops = isDiscovery || answers.push === undefined;
  const body = stops ? await bodyOf(request) : '';
  const stage = isDiscovery
    ? 'advertisement'
    : service === 'git-receive-pack'
      ? 'push'
      : body.includes('command=ls-refs')
        ? 'ls-refs'
        : 'fetch';
  const type = `application/x-${service}-${isDiscovery ? 'advertisement' : 'result'}`;
  const {
    status = 200,
    headers = {},
    body: parts,
    staysOpen = false,
  } = answers[stage]?.(isDiscovery ? service : body) ?? usual(stage, service, body);
  response.writeHead(status, { 'content-type': type, ...headers });
  response.flushHeaders();
  for await (const part of parts) {
    if (response.destroyed) return;
    if (!response.write(part)) await drained(response);
  }
  if (!staysOpen) response.end();
}

export function usual(stage: Stage, service: string, body: string): HostileAnswer {
  if (stage === 'advertisement' && service === 'git-receive-pack')
    return {
      body: [
        pkts(`# service=${service}\n`),
        pkts(`${'0'.repeat(40)} capabilities^{}\0report-status side-band-64k ofs-delta agent=git/2.39.5`),
      ],
    };
  if (stage === 'advertisement')
    return {
      body: [
        pkts(`# service=${service}\n`),
        pkts('version 2\n', 'agent=made/1\n', 'ls-refs=unborn\n', 'fetch=shallow filter\n', 'object-format=sha1\n'),
      ],
    };
  if (stage === 'ls-refs')
    return { body: [pkts(`${hostileCommit} HEAD symref-target:refs/heads/main`, `${hostileCommit} refs/heads/main`)] };
  if (stage === 'fetch') return { body: [packAnswer(rightPack)] };
  const report = pkts('unpack ok\n', ...refsOfPush(Buffer.from(body, 'latin1')).map((ref) => `ok ${ref}\n`));
  return { body: [inBand(1, report), flushPkt] };
}

/** The names of a push's commands. */
function refsOfPush(body: Buffer): readonly string[] {
  const refs: string[] = [];
  for (let at = 0; ; ) {
    const decoded = decodePkt(body, at);
    if ('needBytes' in decoded || !Buffer.isBuffer(decoded.pkt)) return refs;
    refs.push(/^\S+ \S+ ([^\0\n]+)/.exec(decoded.pkt.toString('utf8'))?.[1] ?? '');
    at = decoded.end;
  }
}

/** As packets of a band. */
function inBand(band: number, bytes: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65_000)
    parts.push(encodePkt(Buffer.concat([Buffer.from([band]), bytes.subarray(at, at + 65_000)])));
  return Buffer.concat(parts);
}

export function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}
