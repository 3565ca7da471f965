/** The webhook endpoint, `POST /hooks/:token`, as a Request → Response core that runs on Lambda and on node. */
import { type Context, Hono } from 'hono';
import type { Clock } from '../core/clock.ts';
import { toGitferryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type BodyRefusal, RequestBodies } from '../core/request-bodies.ts';
import type { HookRecords, ProjectRecords } from '../model/records.ts';
import type { SecretStore } from '../model/secret-store.ts';
import { createDeliveryNotes } from './delivery-notes.ts';
import { handleDelivery, type RequestRuns } from './handle-delivery.ts';
import { createProjectCache } from './project-cache.ts';
import { createSigningKeyCache } from './signing-key-cache.ts';
import { webhookLimits } from './webhook-limits.ts';

export interface WebhookDeps {
  readonly projects: Pick<ProjectRecords, 'contents'>;
  readonly hooks: Pick<HookRecords, 'noteDelivery'>;
  readonly secrets: Pick<SecretStore, 'signingKey'>;
  readonly requestRuns: RequestRuns;
  readonly clock: Clock;
  readonly log: Log;
  /** A delivery could not be recorded: hosts that never send again have told in vain. */
  noteMissed?(): void;
}

/**
 * Answers 202 `{status, reason}` to every proved delivery, 401 alike to an unknown token and a missing or wrong proof, 413 above 4 MiB or what takes too
 * long to parse, 408 to a body that does not come, 405 and 404 for what is no delivery, 503 if it could not be recorded or too much is on its way. Never
 * contacts anything that a delivery names.
 */
export function createWebhookApp(deps: WebhookDeps): Hono {
  const { clock, log, requestRuns } = deps;
  const handling = {
    cache: createProjectCache(deps),
    signingKey: createSigningKeyCache(deps),
    noteDelivery: createDeliveryNotes(deps),
    requestRuns,
    clock,
    log,
  };
  const bodies = new RequestBodies(webhookLimits.bodies);
  // A slash at the end of a pasted address is no reason to refuse.
  const app = new Hono({ strict: false });

  app.post('/hooks/:token', async (context) => {
    const request = context.req.raw;
    const incoming = {
      token: context.req.param('token'),
      header: (name: string): string | undefined => request.headers.get(name) ?? undefined,
      body: (projectId: number) =>
        bodies.read(request, { maxBytes: webhookLimits.bodyBytes, withinMs: webhookLimits.bodyMs, sender: String(projectId) }),
    };
    const result = await handleDelivery(incoming, handling);
    if (typeof result !== 'string') return context.json(result, 202);
    if (result === 'busy') context.header('Retry-After', '5');
    if (result !== 'refused') return answer(context, ...refusals[result]);
    context.header('WWW-Authenticate', 'Basic realm="gitferry"');
    return answer(context, 401, 'Unauthorized');
  });
  app.all('/hooks/:token', (context) => {
    context.header('Allow', 'POST');
    return answer(context, 405, 'Method Not Allowed');
  });
  app.notFound((context) => answer(context, 404, 'Not Found'));
  app.onError((thrown, context) => {
    const { code, message, disposition } = toGitferryError(thrown);
    // Not the path: it holds the token.
    log.write('error', 'delivery_not_recorded', { code, message });
    deps.noteMissed?.();
    const isOurs = code === 'internal_error';
    if (!isOurs && disposition === 'retry') context.header('Retry-After', '30');
    return isOurs ? answer(context, 500, 'Internal Server Error') : context.json({ message: '503 Service Unavailable', code }, 503);
  });
  return app;
}

type Status = 400 | 401 | 404 | 405 | 408 | 413 | 500 | 503;

const refusals: Readonly<Record<BodyRefusal, readonly [Status, string]>> = {
  too_large: [413, 'Content Too Large'],
  incomplete: [400, 'Bad Request'],
  too_slow: [408, 'Request Timeout'],
  busy: [503, 'Service Unavailable'],
};

function answer(context: Context, status: Status, words: string): Response {
  return context.json({ message: `${status} ${words}` }, status);
}
