/** The one DynamoDB table: its keys, its indexes, and the definition that the local service and the tests create it from. */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { RefusedCredential } from '../../credentials/shared-credential.ts';
import { dueShards } from '../../jobs/mirror-jobs.ts';
import type { MirrorKey } from '../../model/mirror.ts';

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** Everything about a project but its runs lies in one partition: sort keys `ACTIVITY#`, `HOOK#`, `MIRROR#`, `PROJECT`. */
export const keys = {
  project: (id: number): ItemKey => ({ pk: `PROJECT#${id}`, sk: 'PROJECT' }),
  mirror: ({ projectId, mirror }: MirrorKey): ItemKey => ({ pk: `PROJECT#${projectId}`, sk: `MIRROR#${mirror}` }),
  hook: (projectId: number, tokenHash: string): ItemKey => ({ pk: `PROJECT#${projectId}`, sk: `HOOK#${tokenHash}` }),
  activity: (projectId: number, runId: string): ItemKey => ({ pk: `PROJECT#${projectId}`, sk: `ACTIVITY#${runId}` }),
  path: (path: string): ItemKey => ({ pk: `PATH#${path.toLowerCase()}`, sk: 'PATH' }),
  codeCommit: (region: string, repository: string, projectId: number): ItemKey => ({
    pk: `CODECOMMIT#${region}#${repository}`,
    sk: `PROJECT#${projectId}`,
  }),
  run: (mirrorId: number, runId: string): ItemKey => ({ pk: `MIRROR#${mirrorId}`, sk: `RUN#${runId}` }),
  runRefs: (mirrorId: number, runId: string, chunk: number): ItemKey => ({
    pk: `MIRROR#${mirrorId}`,
    sk: `REFS#${runId}#${String(chunk).padStart(4, '0')}`,
  }),
  runLfs: (mirrorId: number, runId: string, chunk: number): ItemKey => ({
    pk: `MIRROR#${mirrorId}`,
    sk: `LFS#${runId}#${String(chunk).padStart(4, '0')}`,
  }),
  narrow: (mirrorId: number): ItemKey => ({ pk: `MIRROR#${mirrorId}`, sk: 'NARROW' }),
  token: (tokenHash: string): ItemKey => ({ pk: `TOKEN#${tokenHash}`, sk: 'TOKEN' }),
  credential: (id: number): ItemKey => ({ pk: `CREDENTIAL#${id}`, sk: 'CREDENTIAL' }),
  slot: (host: string, slot: number): ItemKey => ({ pk: `HOST#${host}`, sk: `SLOT#${slot}` }),
  hostState: (host: string): ItemKey => ({ pk: `HOST#${host}`, sk: 'STATE' }),
  waiting: (host: string, shard: number, entry: string): ItemKey => ({ pk: `WAITING#${host}#${shard}`, sk: entry }),
  counter: (kind: string): ItemKey => ({ pk: `COUNTER#${kind}`, sk: 'COUNTER' }),
  session: (sessionHash: string): ItemKey => ({ pk: `SESSION#${sessionHash}`, sk: 'SESSION' }),
  sessionForm: (sessionHash: string, nonce: string): ItemKey => ({ pk: `SESSION#${sessionHash}`, sk: `FORM#${nonce}` }),
  notice: (id: string): ItemKey => ({ pk: `NOTICE#${id}`, sk: 'NOTICE' }),
  refusal: ({ credentialId, host }: RefusedCredential): ItemKey => ({ pk: `CREDENTIAL#${credentialId}`, sk: `REFUSED#${host}` }),
  channel: (id: number): ItemKey => ({ pk: `CHANNEL#${id}`, sk: 'CHANNEL' }),
  delivery: (channelId: number, id: string): ItemKey => ({ pk: `CHANNEL#${channelId}`, sk: `DELIVERY#${id}` }),
  tick: (part: number): ItemKey => ({ pk: 'INSTANCE', sk: `TICK#${part}` }),
  instance: (): ItemKey => ({ pk: 'INSTANCE', sk: 'INSTANCE' }),
} as const;

/** Partition of the `due` index that a mirror lives in. */
export function dueShardOf(mirrorId: number): string {
  return `DUE#${mirrorId % dueShards}`;
}

/** Partitions of a host's waiting list: each takes 1,000 writes a second, and reading the first of a list asks them all. */
export const waitingShards = 4;

/** Lists are cut into partitions of this many ids. */
export const listBucketSize = 1000;

/** Attributes of the sparse `list` index. */
export function listAttributes(
  kind: 'PROJECTS' | 'TOKENS' | 'CREDENTIALS' | 'CHANNELS',
  id: number,
): { list_bucket: string; list_id: number } {
  return { list_bucket: `${kind}#${Math.floor(id / listBucketSize)}`, list_id: id };
}

export const indexes = { due: 'due', list: 'list', byCredential: 'by_credential', overview: 'overview' } as const;

/** infra/ describes the same table for CloudFormation. */
export function tableDefinition(tableName: string): CreateTableCommandInput {
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
      { AttributeName: 'due_shard', AttributeType: 'S' },
      { AttributeName: 'due_at', AttributeType: 'N' },
      { AttributeName: 'list_bucket', AttributeType: 'S' },
      { AttributeName: 'list_id', AttributeType: 'N' },
      { AttributeName: 'credential_id', AttributeType: 'N' },
      { AttributeName: 'id', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: indexes.due,
        KeySchema: [
          { AttributeName: 'due_shard', KeyType: 'HASH' },
          { AttributeName: 'due_at', KeyType: 'RANGE' },
        ],
        Projection: {
          ProjectionType: 'INCLUDE',
          NonKeyAttributes: [
            'enabled',
            'paused',
            'direction',
            'queued_at',
            'lease_token',
            'lease_beat',
            'seen',
            'resend_wait_ms',
            'held_until',
          ],
        },
      },
      {
        IndexName: indexes.list,
        KeySchema: [
          { AttributeName: 'list_bucket', KeyType: 'HASH' },
          { AttributeName: 'list_id', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
      {
        IndexName: indexes.byCredential,
        KeySchema: [
          { AttributeName: 'credential_id', KeyType: 'HASH' },
          { AttributeName: 'pk', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['url', 'repository_url'] },
      },
      {
        // Every mirror in a few words, in the shards of `due`: what the console's first page counts, sorts and searches.
        IndexName: indexes.overview,
        KeySchema: [
          { AttributeName: 'due_shard', KeyType: 'HASH' },
          { AttributeName: 'id', KeyType: 'RANGE' },
        ],
        Projection: {
          ProjectionType: 'INCLUDE',
          NonKeyAttributes: ['enabled', 'paused', 'direction', 'url', 'update_status', 'last_update_at', 'failing_since'],
        },
      },
    ],
  };
}
