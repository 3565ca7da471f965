/** Points everything that uses one shared credential at another, walking the `by_credential` index page by page. */
import type { Clock } from '../../core/clock.ts';
import type { AuthMethod } from '../../credentials/registry.ts';
import type { Mirror, MirrorKey } from '../../model/mirror.ts';
import { changeMirror } from '../mirrors/mirror-change.ts';
import { keyOfItem, mirrorOfItem } from '../mirrors/mirror-item.ts';
import type { Item } from '../table/item.ts';
import type { RecordTable } from '../table/record-table.ts';
import { indexes, keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

export interface Transfer {
  readonly from: number;
  readonly to: number;
  /** Only URLs on this host, whatever the port. */
  readonly host: string | undefined;
  /** How they sign in from then on; undefined = as before. */
  readonly authMethod: AuthMethod | undefined;
  /** Whether the other one may be used there. */
  mayUse(url: string): boolean;
}

export interface Transferred {
  readonly mirrors: readonly MirrorKey[];
  readonly projects: readonly number[];
}

/** Rows that are changed side by side. */
const atOnce = 8;
/** The index lags behind the table: it is walked again as long as a walk finds something to change. */
const walks = 3;

/**
 * Mirrors are reset and un-paused as by any change of their credential, and so are the failing mirrors of a changed project. What somebody else
 * points elsewhere meanwhile is left alone.
 */
export async function transferCredential(table: RecordTable, clock: Clock, transfer: Transfer): Promise<Transferred> {
  const mirrors = new Map<string, MirrorKey>();
  const projects = new Set<number>();
  if (transfer.from === transfer.to) return { mirrors: [], projects: [] };
  for (let walk = 0; walk < walks; walk++) {
    const before = mirrors.size + projects.size;
    for await (const rows of groups(table.query(usesQuery(transfer.from)), atOnce)) {
      await Promise.all(
        rows.map(async (row) => {
          if (row['sk'] === 'PROJECT') {
            const id = Number(String(row['pk']).slice('PROJECT#'.length));
            if (await transferProject(table, clock, id, transfer)) projects.add(id);
          } else {
            const key = keyOfItem(row);
            if (await transferMirror(table, clock, key, transfer)) mirrors.set(`${row['pk']}/${row['sk']}`, key);
          }
        }),
      );
    }
    if (mirrors.size + projects.size === before) break;
  }
  return { mirrors: [...mirrors.values()], projects: [...projects] };
}

/** Of the mirrors and projects that use it; a little old. */
export async function urlsOfCredential(table: RecordTable, id: number): Promise<readonly string[]> {
  const rows = await table.all({ ...usesQuery(id), only: ['url', 'repository_url'] });
  return rows.map((row) => String(row['url'] ?? row['repository_url']));
}

/** How many mirrors and projects use it; a little old. */
export async function usesOfCredential(table: RecordTable, id: number): Promise<number> {
  let uses = 0;
  for await (const _row of table.query(usesQuery(id))) uses++;
  return uses;
}

async function transferMirror(table: RecordTable, clock: Clock, key: MirrorKey, transfer: Transfer): Promise<boolean> {
  const { from, to, authMethod } = transfer;
  const only = ({ credential, url }: Mirror) => credential?.kind === 'shared' && credential.credentialId === from && isMeant(url, transfer);
  const changes = { credential: { kind: 'shared', credentialId: to }, ...(authMethod === undefined ? {} : { authMethod }) } as const;
  return (await changeMirror(table, clock, key, { changes, resetStatus: true, only })) !== undefined;
}

async function transferProject(table: RecordTable, clock: Clock, id: number, transfer: Transfer): Promise<boolean> {
  const { from, to, authMethod } = transfer;
  const project = await table.get(keys.project(id));
  const url = String(project?.['repository_url']);
  if (project?.['credential_id'] !== from || !isMeant(url, transfer)) return false;
  const known = { values: { ':from': from, ':url': url } };
  const parts = updateExpression({ credential_id: to, auth_method: authMethod }, known);
  if ((await table.update(keys.project(id), parts, 'credential_id = :from AND repository_url = :url')) === undefined) return false;
  await resetFailingOfProject(table, clock, id);
  return true;
}

/**
 * Resets and un-pauses the mirrors that fail and use this credential, themselves or through their project: its value has been changed. Resolves with
 * them; what does not fail is left alone and uses the new value from its next run on.
 */
export async function resetFailingUsers(table: RecordTable, clock: Clock, id: number): Promise<readonly MirrorKey[]> {
  const reset: MirrorKey[] = [];
  const only = (mirror: Mirror) => mirror.credential?.kind === 'shared' && mirror.credential.credentialId === id && isFailing(mirror);
  for await (const rows of groups(table.query(usesQuery(id)), atOnce)) {
    const found = await Promise.all(
      rows.map(async (row) => {
        if (row['sk'] === 'PROJECT') return resetFailingOfProject(table, clock, Number(String(row['pk']).slice('PROJECT#'.length)));
        const mirror = await changeMirror(table, clock, keyOfItem(row), { changes: {}, resetStatus: true, only });
        return mirror === undefined ? [] : [keyOfItem(row)];
      }),
    );
    reset.push(...found.flat());
  }
  return [...new Map(reset.map((key) => [`${key.projectId}/${key.mirror}`, key])).values()];
}

async function resetFailingOfProject(table: RecordTable, clock: Clock, id: number): Promise<readonly MirrorKey[]> {
  const values = { ':pk': keys.project(id).pk, ':mirror': 'MIRROR#' };
  const items = await table.all({ condition: { expression: 'pk = :pk AND begins_with(sk, :mirror)', values }, consistent: true });
  const failing = items.map(mirrorOfItem).filter(isFailing);
  await Promise.all(failing.map((mirror) => changeMirror(table, clock, mirror, { changes: {}, resetStatus: true, only: isFailing })));
  return failing.map(({ projectId, mirror }) => ({ projectId, mirror }));
}

function isFailing({ paused, updateStatus }: Mirror): boolean {
  return paused || updateStatus === 'failed' || updateStatus === 'to_retry';
}

function usesQuery(credentialId: number) {
  return {
    index: indexes.byCredential,
    condition: { expression: 'credential_id = :id', values: { ':id': credentialId } },
    only: ['pk', 'sk'],
    pageSize: 100,
  };
}

function isMeant(url: string, { host, mayUse }: Pick<Transfer, 'host' | 'mayUse'>): boolean {
  return isOnHost(url, host) && mayUse(url);
}

/** Hosts are compared without their case; a URL that cannot be read is on none. */
function isOnHost(url: string, host: string | undefined): boolean {
  if (host === undefined) return true;
  return URL.canParse(url) && new URL(url).hostname.toLowerCase() === host.toLowerCase();
}

async function* groups(items: AsyncIterable<Item>, size: number): AsyncGenerator<Item[]> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
