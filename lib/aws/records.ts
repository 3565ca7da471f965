/** Everything that is kept in the table, put together. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../core/clock.ts';
import type { Records } from '../model/records.ts';
import { createActivityRecords } from './activity-records.ts';
import { createCredentialRecords } from './credential-records.ts';
import { createHookRecords } from './hook-records.ts';
import { createMirrorRecords } from './mirror-records.ts';
import { createOverviewRecords } from './overview-records.ts';
import { createProjectRecords } from './project-records.ts';
import { createRecordTable } from './record-table.ts';
import { createRunRecords } from './run-records.ts';
import { createSessionRecords } from './session-records.ts';
import { createSettingsRecords } from './settings-records.ts';
import { createTickRecords } from './tick-records.ts';
import { createTokenRecords } from './token-records.ts';

export interface RecordsInput {
  readonly dynamo: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
}

/** One per process: the settings are cached in it. */
export function createRecords({ dynamo, tableName, clock }: RecordsInput): Records {
  const table = createRecordTable({ dynamo, tableName });
  return {
    projects: createProjectRecords(table),
    mirrors: createMirrorRecords(table, clock),
    runs: createRunRecords(table, clock),
    activity: createActivityRecords(table, clock),
    hooks: createHookRecords(table),
    tokens: createTokenRecords(table),
    credentials: createCredentialRecords(table),
    settings: createSettingsRecords(table, clock),
    ticks: createTickRecords(table),
    sessions: createSessionRecords(table),
    overview: createOverviewRecords(table),
  };
}
