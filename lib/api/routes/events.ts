/** /projects/{id}/events: the branches and tags that moved, newest first. */
import { z } from 'zod';
import type { Activity } from '../../model/run.ts';
import { isoTime, type Shown } from '../http/answer.ts';
import { projectEndpoint } from '../http/endpoint.ts';
import { pageAnswer, pageInput, pageRequest } from '../http/pagination.ts';

export const eventSchema = z
  .object({
    created_at: z.iso.datetime(),
    mirror_id: z.int(),
    direction: z.enum(['push', 'pull']),
    run_id: z.string(),
    ref: z.string(),
    result: z.string(),
    old: z.string().nullable(),
    new: z.string().nullable(),
  })
  .meta({ id: 'Event' });

export const eventEndpoints = {
  list: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/events',
      summary: 'Branches and tags that moved, newest first',
      role: 'reporter',
      input: pageInput,
      answers: { 200: z.array(eventSchema) },
    },
    async (call) => {
      const request = pageRequest(call.input);
      const page = await call.deps.records.activity.list(call.project.id, request);
      return pageAnswer(call, request, page, page.items.map(shown));
    },
  ),
};

function shown({ at, mirrorId, direction, runId, ref, result, old, new: now }: Activity): Shown<typeof eventSchema> {
  return { created_at: isoTime(at), mirror_id: mirrorId, direction, run_id: runId, ref, result, old, new: now };
}
