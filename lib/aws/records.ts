/** Everything that is kept in the table, put together. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../core/clock.ts';
import { defaultAuditDays } from '../core/service-settings.ts';
import type { Records } from '../model/records.ts';
import { createCredentialRecords } from './credentials/credential-records.ts';
import { createAuditRecords } from './instance/audit-records.ts';
import { createOverviewRecords } from './instance/overview-records.ts';
import { createSessionRecords } from './instance/session-records.ts';
import { createSettingsRecords } from './instance/settings-records.ts';
import { createTickRecords } from './instance/tick-records.ts';
import { createTokenRecords } from './instance/token-records.ts';
import { createMirrorRecords } from './mirrors/mirror-records.ts';
import { createChannelRecords } from './notices/channel-records.ts';
import { createDeliveryRecords } from './notices/delivery-records.ts';
import { createNoticeRecords } from './notices/notice-records.ts';
import { createHookRecords } from './projects/hook-records.ts';
import { createProjectRecords } from './projects/project-records.ts';
import { createActivityRecords } from './runs/activity-records.ts';
import { createRunRecords } from './runs/run-records.ts';
import { createRecordTable } from './table/record-table.ts';

export interface RecordsInput {
  readonly dynamo: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  /** How long the audit trail is kept. */
  readonly auditDays?: number;
}

/** One per process: the settings are cached in it. */
export function createRecords({ dynamo, tableName, clock, auditDays = defaultAuditDays }: RecordsInput): Records {
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
    notices: createNoticeRecords(table, clock),
    channels: createChannelRecords(table),
    deliveries: createDeliveryRecords(table, clock),
    audit: createAuditRecords(table, clock, auditDays),
  };
}
