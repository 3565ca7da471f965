/** LFS servers of both ends of a run that answer with what a case says, in place of what a server would. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FaultHttpServer, startFaultServer } from '../support/fault-server.ts';
import type { HostileAnswer } from './hostile-server.ts';
import { drained } from './hostile-server.ts';

export type LfsStage = 'ask source' | 'ask target' | 'download' | 'upload' | 'verify';

export interface AskedLfs {
  readonly origin: string;
  /** Of the object that is asked for. */
  readonly oid: string;
  readonly size: number;
}

/** What `git-lfs-authenticate` knows when it is asked. */
export interface AuthenticateAsked {
  /** Where the LFS server of that end is. */
  readonly lfsUrl: string;
  /** What signed in over SSH: it must go nowhere else. */
  readonly password: string;
  /** Cuts the connection. */
  cut(): void;
}

export type LfsAnswers = Partial<Record<LfsStage, (asked: AskedLfs) => HostileAnswer | undefined>>;

/** The one object of the repository. */
export const lfsContent = Buffer.alloc(300_000, 'large ');
const lfsOid = createHash('sha256').update(lfsContent).digest('hex');
export const lfsPointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${lfsOid}\nsize ${lfsContent.length}\n`;

const mediaType = 'application/vnd.git-lfs+json';

export function json(value: unknown): HostileAnswer {
  return { headers: { 'content-type': mediaType }, body: [Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))] };
}

/** `/source` and `/target` are the LFS URLs of the two ends. */
export function startHostileLfsServer(answers: LfsAnswers): Promise<FaultHttpServer> {
  return startFaultServer((request, response) => {
    void respond(answers, request, response).catch(() => response.destroy());
  });
}

async function respond(answers: LfsAnswers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const origin = `http://${request.headers.host}`;
  const asked = { origin, oid: lfsOid, size: lfsContent.length };
  const path = request.url ?? '';
  const stage: LfsStage = path.startsWith('/source')
    ? 'ask source'
    : path.startsWith('/target')
      ? 'ask target'
      : path.startsWith('/down')
        ? 'download'
        : path.startsWith('/up')
          ? 'upload'
          : 'verify';
  const given = answers[stage]?.(asked);
  if (given === undefined) for await (const _ of request);
  const { status = 200, headers = {}, body, staysOpen = false } = given ?? usual(stage, asked);
  response.writeHead(status, headers);
  response.flushHeaders();
  for await (const part of body) {
    if (response.destroyed) return;
    if (!response.write(part)) await drained(response);
  }
  if (!staysOpen) response.end();
}

function usual(stage: LfsStage, { origin, oid, size }: AskedLfs): HostileAnswer {
  if (stage === 'ask source') return json({ objects: [{ oid, size, actions: { download: { href: `${origin}/down/${oid}` } } }] });
  if (stage === 'ask target')
    return json({ objects: [{ oid, size, actions: { upload: { href: `${origin}/up/${oid}` }, verify: { href: `${origin}/verify` } } }] });
  return { body: stage === 'download' ? [lfsContent] : [] };
}
