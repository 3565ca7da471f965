/** What the api function answers: the REST API, and everything else as the console. */
import { Hono } from 'hono';
import type { ApiDeps } from '../api/api-deps.ts';
import { apiLimits } from '../api/http/api-limits.ts';
import { createApi } from '../api/http/create-api.ts';
import { RequestBodies } from '../core/request-bodies.ts';
import { createConsole } from './create-console.tsx';

/** Never throws. */
export function createSite(deps: ApiDeps): Hono {
  const bodies = new RequestBodies(apiLimits.bodies);
  const api = createApi(deps, bodies);
  const pages = createConsole(deps, bodies);
  // Decoded paths may hold line breaks.
  const isApi = /^\/(api|hooks)(\/|$)|^\/health$/;
  const site = new Hono();
  site.all('*', ({ req }) => (isApi.test(req.path) ? api : pages).fetch(req.raw));
  return site;
}
