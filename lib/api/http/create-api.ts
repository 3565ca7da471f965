/** The REST API as a Hono app: what comes by HTTP becomes a call, and its answer a response. */
import { Hono } from 'hono';
import { RequestBodies } from '../../core/request-bodies.ts';
import type { ApiDeps } from '../api-deps.ts';
import { type Answer, toResponse } from './answer.ts';
import { answerCall } from './answer-call.ts';
import { apiLimits } from './api-limits.ts';
import { authenticate, offersToken } from './authenticate.ts';
import { addressOf } from './guess-limit.ts';
import { readParameters } from './read-parameters.ts';
import { apiPrefix } from './route-path.ts';

/** Answers everything below /api/v4, and /health. Never throws. Paths are taken percent-encoded or decoded. `bodies` is the account that their bodies share with others of this process. */
export function createApi(deps: ApiDeps, bodies = new RequestBodies(apiLimits.bodies)): Hono {
  const app = new Hono();
  const health = toResponseOf({ status: 200, body: { status: 'ok' } });
  app.get('/health', health);
  const answer = ({ req }: { readonly req: { readonly raw: Request } }) => answerRequest(req.raw, deps, bodies);
  app.all(apiPrefix, answer);
  app.all(`${apiPrefix}/*`, answer);
  app.notFound(toResponseOf({ status: 404, body: { error: '404 Not Found' } }));
  return app;
}

function toResponseOf(answer: Answer): () => Response {
  return () => toResponse(answer);
}

async function answerRequest(request: Request, deps: ApiDeps, bodies: RequestBodies): Promise<Response> {
  const { pathname: path, searchParams: query } = new URL(request.url);
  const answer = await answerCall(
    {
      method: request.method,
      path,
      query,
      token: () => authenticate(request.headers, deps),
      from: { address: addressOf(request.headers), session: null, offersToken: offersToken(request.headers) },
      input: (sender, takesBody) => readParameters(request, { query, bodies, sender, takesBody }),
    },
    deps,
  );
  return toResponse(answer);
}
