import { describe, expect, it } from 'vitest';
import { silentHooks } from '../../../lib/jobs/tick/silent-hooks.ts';
import type { Hook } from '../../../lib/model/hook.ts';
import type { Mirror } from '../../../lib/model/mirror.ts';
import { hour, minute, noon, plainMirror } from '../../support/mirrors.ts';

const hook: Hook = {
  id: 1,
  projectId: 1,
  provider: 'github',
  tokenHash: 'h',
  generation: 1,
  previousUntil: null,
  createdAt: noon - 48 * hour,
  lastDeliveryAt: null,
  lastDeliveryOf: null,
  silentSince: null,
};
const lastRun = { outcome: 'success' } as Mirror['lastRun'];
const push: Mirror = { ...plainMirror, lastUpdateStartedAt: noon - hour, lastRun };
const pull: Mirror = { ...push, direction: 'pull', mirror: 'pull' };

describe('a hook', () => {
  it.each<[string, Mirror, Partial<Hook>, boolean]>([
    ['without any delivery', push, {}, true],
    ['without any delivery, of a pull mirror', pull, {}, true],
    ['whose last delivery is older than the run before', push, { lastDeliveryAt: noon - 2 * hour, lastDeliveryOf: 'project' }, true],
    ['with a delivery since', push, { lastDeliveryAt: noon - minute, lastDeliveryOf: 'project' }, false],
    [
      'with one so shortly before the run before that a later one may not have been noted',
      push,
      { lastDeliveryAt: noon - hour - 50_000 },
      false,
    ],
    ['of the upstream, for a push mirror', push, { lastDeliveryAt: noon - 2 * hour, lastDeliveryOf: 'upstream' }, false],
    ['of the upstream, for a pull mirror', pull, { lastDeliveryAt: noon - 2 * hour, lastDeliveryOf: 'upstream' }, true],
    ['of the project, for a pull mirror', pull, { lastDeliveryAt: noon - 2 * hour, lastDeliveryOf: 'project' }, false],
    ['that is known to be silent', push, { silentSince: noon - hour }, false],
    ['that came after the run before', push, { createdAt: noon - minute }, false],
    ['where this was the first run', { ...push, lastRun: null, lastUpdateStartedAt: null }, {}, false],
    ['where the run before failed', { ...push, lastRun: { outcome: 'failed' } as Mirror['lastRun'] }, {}, false],
  ])('%s', (_, mirror, fields, isSilent) => {
    expect(silentHooks(mirror, [{ ...hook, ...fields }])).toHaveLength(isSilent ? 1 : 0);
  });
});
