/** /application/settings: what an owner sets for the whole instance. */
import { z } from 'zod';
import { sendWaiting } from '../../jobs/tick/send-waiting.ts';
import type { InstanceSettings } from '../../model/instance-settings.ts';
import { ok } from '../http/answer.ts';
import { instanceEndpoint } from '../http/endpoint.ts';
import { flag, integer } from '../http/fields.ts';
import { requestDeps } from '../use-cases/save-mirror.ts';

const day = 24 * 3600;

const fields = {
  silent_mode_enabled: flag(),
  push_min_interval: integer({ min: 0, max: 3600 }),
  pull_interval: integer({ min: 60, max: 30 * day }),
  pull_min_interval: integer({ min: 0, max: day }),
  reconcile_interval: integer({ min: 60, max: 30 * day }),
  max_runs_per_host: integer({ min: 1, max: 1000 }),
  max_deletions_percent: integer({ min: 0, max: 100 }),
} as const;
export const settingsSchema = z.object(fields).meta({ id: 'Settings' });
const changesSchema = z.object(fields).partial();

export const settingsEndpoints = {
  show: instanceEndpoint(
    {
      method: 'GET',
      path: '/application/settings',
      summary: 'Settings',
      role: 'owner',
      input: z.object({}),
      answers: { 200: settingsSchema },
    },
    async ({ deps }) => ok(shown(await deps.records.settings.get({ fresh: true }))),
  ),
  change: instanceEndpoint(
    {
      method: 'PUT',
      path: '/application/settings',
      summary: 'Change settings; when silent mode is lifted, what waited starts at once',
      role: 'owner',
      input: changesSchema,
      answers: { 200: settingsSchema },
    },
    async ({ deps, input }) => {
      const before = await deps.records.settings.get({ fresh: true });
      const after = await deps.records.settings.update(changesOf(input));
      if (before.silentModeEnabled && !after.silentModeEnabled) await sendWaiting(requestDeps(deps));
      return ok(shown(after));
    },
  ),
};

function changesOf(input: z.output<typeof changesSchema>): Partial<InstanceSettings> {
  const changes: { readonly [Name in keyof InstanceSettings]: InstanceSettings[Name] | undefined } = {
    silentModeEnabled: input.silent_mode_enabled,
    pushMinIntervalSeconds: input.push_min_interval,
    pullIntervalSeconds: input.pull_interval,
    pullMinIntervalSeconds: input.pull_min_interval,
    reconcileIntervalSeconds: input.reconcile_interval,
    maxRunsPerHost: input.max_runs_per_host,
    maxDeletionsPercent: input.max_deletions_percent,
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function shown(settings: InstanceSettings): z.output<typeof settingsSchema> {
  return {
    silent_mode_enabled: settings.silentModeEnabled,
    push_min_interval: settings.pushMinIntervalSeconds,
    pull_interval: settings.pullIntervalSeconds,
    pull_min_interval: settings.pullMinIntervalSeconds,
    reconcile_interval: settings.reconcileIntervalSeconds,
    max_runs_per_host: settings.maxRunsPerHost,
    max_deletions_percent: settings.maxDeletionsPercent,
  };
}
