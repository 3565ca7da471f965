/** Runs of push and pull mirrors, newest first. */
import { z } from 'zod';
import type { Mirror } from '../../model/mirror.ts';
import { ok } from '../http/answer.ts';
import { notFound } from '../http/api-error.ts';
import { type ProjectCall, projectEndpoint } from '../http/endpoint.ts';
import { pageAnswer, pageInput, pageRequest } from '../http/pagination.ts';
import { hiderFor } from '../output/hide-addresses.ts';
import { runSchema, runWithRefsSchema, showRun, showRunWithRefs } from '../output/show-run.ts';
import { pullMirrorOf } from './pull-mirror.ts';
import { pushMirrorOf } from './remote-mirrors.ts';

type MirrorOf = (call: Pick<ProjectCall<unknown>, 'deps' | 'project' | 'pathId'>) => Promise<Mirror>;

export const pushRunEndpoints = endpointsBelow('/projects/{id}/remote_mirrors/{mirror_id}', pushMirrorOf);
export const pullRunEndpoints = endpointsBelow('/projects/{id}/mirror/pull', pullMirrorOf);

function endpointsBelow<const P extends string>(path: P, mirrorOf: MirrorOf) {
  return {
    list: projectEndpoint(
      {
        method: 'GET',
        path: `${path}/runs`,
        summary: 'Runs, newest first',
        role: 'reporter',
        input: pageInput,
        answers: { 200: z.array(runSchema) },
      },
      async (call) => {
        const mirror = await mirrorOf(call);
        const request = pageRequest(call.input);
        const page = await call.deps.records.runs.list(mirror.id, request);
        return pageAnswer(
          call,
          request,
          page,
          page.items.map((run) => showRun(run, hiderFor(call.token, mirror, call.project))),
        );
      },
    ),
    show: projectEndpoint(
      {
        method: 'GET',
        path: `${path}/runs/{run_id}`,
        summary: 'A run with what happened to every ref',
        role: 'reporter',
        input: z.object({}),
        answers: { 200: runWithRefsSchema },
      },
      async (call) => {
        const mirror = await mirrorOf(call);
        const run = await call.deps.records.runs.get(mirror.id, call.pathParameter('run_id'));
        if (run === undefined) throw notFound();
        return ok(await showRunWithRefs(run, hiderFor(call.token, mirror, call.project)));
      },
    ),
  };
}
