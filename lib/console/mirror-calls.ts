/** The API's calls about one mirror: a push mirror has a number of its own, the pull mirror is the only one of its project. */
import type { Parameters } from '../api/http/read-parameters.ts';
import { publicKeyEndpoints } from '../api/routes/public-keys.ts';
import { pullMirrorEndpoints } from '../api/routes/pull-mirror.ts';
import { remoteMirrorEndpoints } from '../api/routes/remote-mirrors.ts';
import { pullRunEndpoints, pushRunEndpoints } from '../api/routes/runs.ts';
import type { MirrorKey } from '../model/mirror.ts';
import { api, type Visit } from './visit.ts';

export function listRuns(visit: Visit, key: MirrorKey, input: Parameters) {
  return key.mirror === 'pull'
    ? api(visit, pullRunEndpoints.list, { id: key.projectId }, input)
    : api(visit, pushRunEndpoints.list, { id: key.projectId, mirror_id: key.mirror }, input);
}

export function showRun(visit: Visit, key: MirrorKey, runId: string) {
  return key.mirror === 'pull'
    ? api(visit, pullRunEndpoints.show, { id: key.projectId, run_id: runId })
    : api(visit, pushRunEndpoints.show, { id: key.projectId, mirror_id: key.mirror, run_id: runId });
}

export function showPublicKey(visit: Visit, key: MirrorKey) {
  return key.mirror === 'pull'
    ? api(visit, publicKeyEndpoints.ofPullMirror, { id: key.projectId })
    : api(visit, publicKeyEndpoints.ofPushMirror, { id: key.projectId, mirror_id: key.mirror });
}

export function renewPublicKey(visit: Visit, key: MirrorKey) {
  return key.mirror === 'pull'
    ? api(visit, publicKeyEndpoints.renewOfPullMirror, { id: key.projectId })
    : api(visit, publicKeyEndpoints.renewOfPushMirror, { id: key.projectId, mirror_id: key.mirror });
}

export function changeMirror(visit: Visit, key: MirrorKey, input: Parameters) {
  return key.mirror === 'pull'
    ? api(visit, pullMirrorEndpoints.change, { id: key.projectId }, input)
    : api(visit, remoteMirrorEndpoints.change, { id: key.projectId, mirror_id: key.mirror }, input);
}

export function removeMirror(visit: Visit, key: MirrorKey) {
  return key.mirror === 'pull'
    ? api(visit, pullMirrorEndpoints.remove, { id: key.projectId })
    : api(visit, remoteMirrorEndpoints.remove, { id: key.projectId, mirror_id: key.mirror });
}

/** Asks for an update; of a pull mirror also where it is paused after failures. */
export function startUpdate(visit: Visit, key: MirrorKey, input: Parameters) {
  return key.mirror === 'pull'
    ? api(visit, pullMirrorEndpoints.changeOrStart, { id: key.projectId }, { ...input, force: true })
    : api(visit, remoteMirrorEndpoints.start, { id: key.projectId, mirror_id: key.mirror }, input);
}
