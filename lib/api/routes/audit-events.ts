/** /audit_events and /projects/{id}/audit_events: who changed what, newest first, in GitLab's shape. */
import { z } from 'zod';
import type { AuditEvent, AuditFilter } from '../../model/audit-event.ts';
import { isoTime, ok, type Shown } from '../http/answer.ts';
import { badParameter, notFound } from '../http/api-error.ts';
import { type Call, instanceEndpoint, projectEndpoint } from '../http/endpoint.ts';
import { choice, integer, text } from '../http/fields.ts';
import { idPageAnswer, idPageInput, idPageRequest } from '../http/pagination.ts';

const instanceScope = 'Gitlab::Audit::InstanceScope';
const entityTypes = ['Project', instanceScope] as const;

const changeSchema = z.object({ field: z.string(), from: z.string().nullable(), to: z.string().nullable() });
export const auditEventSchema = z
  .object({
    id: z.int(),
    author_id: z.int().meta({ description: 'Of the token; -1 = somebody without one' }),
    entity_id: z.int().meta({ description: 'Of the project; 1 = the instance' }),
    entity_type: z.enum(entityTypes),
    event_name: z.string().meta({ example: 'PUT /projects/{id}' }),
    details: z.object({
      author_name: z.string(),
      author_class: z.enum(['token', 'person', 'service', 'unknown']),
      provider: z.string().nullable().meta({ description: 'Who vouched for the person' }),
      subject: z.string().nullable(),
      session: z.string().nullable().meta({ description: 'Tells sessions of the console apart' }),
      ip_address: z.string().nullable(),
      target_id: z.string().nullable(),
      target_type: z.string(),
      entity_path: z.string().nullable(),
      status: z.int().nullable().meta({ description: 'null = begun, and its end is not recorded' }),
      changes: z.array(changeSchema),
      refusals_not_recorded: z.int().meta({ description: 'Further ones before this one, which were counted only' }),
    }),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'AuditEvent' });

const time = () => text(40).optional().meta({ description: 'ISO 8601', example: '2031-01-31T12:00:00Z' });
const filters = idPageInput.extend({
  created_after: time(),
  created_before: time(),
  author_id: integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
  author_name: text(255).optional(),
  target_type: text(64).optional(),
  target_id: text(255).optional(),
});
const ofInstance = filters.extend({
  entity_type: choice(entityTypes).optional(),
  entity_id: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).optional(),
});

export const auditEventEndpoints = {
  list: instanceEndpoint(
    {
      method: 'GET',
      path: '/audit_events',
      summary: 'Who changed what on this instance, newest first',
      role: 'owner',
      input: ofInstance,
      answers: { 200: z.array(auditEventSchema) },
    },
    async (call) => listed(call, entityOf(call.input)),
  ),
  show: instanceEndpoint(
    {
      method: 'GET',
      path: '/audit_events/{audit_event_id}',
      summary: 'An audit event',
      role: 'owner',
      input: z.object({}),
      answers: { 200: auditEventSchema },
    },
    async (call) => ok(shown(await eventOf(call))),
  ),
  listOfProject: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/audit_events',
      summary: 'Who changed what in a project, newest first',
      role: 'maintainer',
      input: filters,
      answers: { 200: z.array(auditEventSchema) },
    },
    async (call) => listed(call, call.project.id),
  ),
  showOfProject: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/audit_events/{audit_event_id}',
      summary: 'An audit event of a project',
      role: 'maintainer',
      input: z.object({}),
      answers: { 200: auditEventSchema },
    },
    async (call) => {
      const event = await eventOf(call);
      if (event.project?.id !== call.project.id) throw notFound();
      return ok(shown(event));
    },
  ),
};

async function listed(call: Call<z.output<typeof filters>>, projectId: number | null | undefined) {
  const { input, deps } = call;
  const request = idPageRequest(input);
  const filter: AuditFilter = {
    projectId,
    after: timeOf('created_after', input.created_after),
    before: timeOf('created_before', input.created_before),
    authorId: input.author_id,
    authorName: input.author_name,
    targetType: input.target_type,
    targetId: input.target_id,
  };
  const page = await deps.records.audit.list(filter, request);
  return idPageAnswer(call, request, page, page.items.map(shown));
}

function entityOf({ entity_type: type, entity_id: id }: z.output<typeof ofInstance>): number | null | undefined {
  if (type === undefined) {
    if (id !== undefined) throw badParameter('entity_id', 'goes with entity_type');
    return undefined;
  }
  if (type === instanceScope) return null;
  if (id === undefined) throw badParameter('entity_id', 'is missing');
  return id;
}

function timeOf(name: string, given: string | undefined): number | undefined {
  if (given === undefined || given === '') return undefined;
  const ms = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(ms)) throw badParameter(name, 'is invalid');
  return ms;
}

async function eventOf({ deps, pathId }: Pick<Call<unknown>, 'deps' | 'pathId'>): Promise<AuditEvent> {
  const event = await deps.records.audit.get(pathId('audit_event_id'));
  if (event === undefined) throw notFound();
  return event;
}

function shown({
  id,
  at,
  author,
  project,
  name,
  session,
  address,
  target,
  status,
  changes,
  uncounted,
}: AuditEvent): Shown<typeof auditEventSchema> {
  return {
    id,
    author_id: author.id ?? -1,
    entity_id: project?.id ?? 1,
    entity_type: project === null ? instanceScope : 'Project',
    event_name: name,
    details: {
      author_name: author.name,
      author_class: author.kind,
      provider: author.provider,
      subject: author.subject,
      session,
      ip_address: address,
      target_id: target.id,
      target_type: target.type,
      entity_path: project?.path ?? null,
      status,
      changes,
      refusals_not_recorded: uncounted,
    },
    created_at: isoTime(at),
  };
}
