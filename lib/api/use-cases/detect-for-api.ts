/** Host key detection for the API: within the time that API Gateway waits, failures as answers. */
import { z } from 'zod';
import { createDeadline } from '../../core/deadline.ts';
import { toGitferryError } from '../../core/errors.ts';
import { describeHostKeys, detectHostKeys } from '../../git/transport/host-keys/detect-host-keys.ts';
import { type HostPlace, parseHostPlace } from '../../git/transport/host-keys/known-hosts.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { Shown } from '../http/answer.ts';
import { ApiError, codedError, invalidFieldOf } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';

const fingerprintSchema = z.object({
  type: z.string().meta({ example: 'ssh-ed25519' }),
  label: z.string().meta({ example: 'ED25519' }),
  bits: z.int(),
  md5: z.string(),
  sha256: z.string(),
  known_hosts: z.string().meta({ description: 'The line of this key' }),
});

export const detectedKeysSchema = z
  .object({
    host: z.string(),
    port: z.int(),
    known_hosts: z.string().meta({ description: 'One line per key: to be given as host_keys once somebody has compared the fingerprints' }),
    fingerprints: z.array(fingerprintSchema),
  })
  .meta({ id: 'DetectedHostKeys' });

/**
 * Refuses with 400 (not an ssh:// URL; what answers there, or why nothing does, by code), 409 in silent mode, 504 when the time is up.
 */
export async function detectForApi(typed: string, deps: Pick<ApiDeps, 'guard' | 'records'>): Promise<Shown<typeof detectedKeysSchema>> {
  const place = placeOf(typed);
  const { silentModeEnabled } = await deps.records.settings.get();
  if (silentModeEnabled) throw new ApiError(409, { message: 'Silent mode is on: no host is contacted', code: 'silent_mode' });
  const deadline = createDeadline(apiLimits.answerMs);
  try {
    const keys = await detectHostKeys(place, { guard: deps.guard, deadline });
    return describeHostKeys(place, keys);
  } catch (thrown) {
    const error = toGitferryError(thrown);
    if (error.code === 'internal_error') throw error;
    if (error.code === 'deadline_exceeded' || error.code === 'timed_out') throw codedError(504, error);
    throw new ApiError(400, { faults: [{ field: 'url', why: error.message }], code: error.code, hint: error.hint });
  } finally {
    deadline.clear();
  }
}

function placeOf(typed: string): HostPlace {
  try {
    return parseHostPlace(typed, 'url');
  } catch (error) {
    throw invalidFieldOf('url', error);
  }
}
