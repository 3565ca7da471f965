/** The OpenAPI document, made of the same schemas that calls are checked against. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { version } from '../../core/version.ts';
import { ok } from './answer.ts';
import { type Endpoint, instanceEndpoint } from './endpoint.ts';
import { apiPrefix } from './route-path.ts';

const refusals: Readonly<Record<number, string>> = {
  400: 'A parameter is missing, unknown or not usable; `error` or `message` names it',
  401: 'No token, an unknown or an expired one',
  403: 'The role is too low',
  404: 'There is no such thing, or the token may not see it',
  503: 'The table or the secret store cannot be reached; try again',
};

const errorSchema = z
  .object({ message: z.unknown().optional(), error: z.string().optional(), code: z.string().optional(), hint: z.string().optional() })
  .openapi('Error');

type PathConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0];

/** The call that hands out the document; it describes itself as well. */
export function openApiEndpoint(others: readonly Endpoint[]): Endpoint {
  const self: Endpoint = instanceEndpoint(
    { method: 'GET', path: '/openapi.json', summary: 'This document', input: z.object({}), answers: { 200: z.unknown() } },
    async ({ deps }) => ok(openApiDocument([...others, self], deps.publicUrl)),
  );
  return self;
}

function openApiDocument(endpoints: readonly Endpoint[], publicUrl: string): object {
  const { openAPIRegistry, getOpenAPI31Document } = new OpenAPIHono();
  openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'apiKey', in: 'header', name: 'PRIVATE-TOKEN' });
  openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  for (const endpoint of endpoints) openAPIRegistry.registerPath(pathConfig(endpoint));
  return getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'gitferry', version, description: 'Git mirroring; compatible with the GitLab REST API where that has the call.' },
    servers: [{ url: publicUrl }],
    security: [{ token: [] }, { bearer: [] }],
  });
}

function pathConfig({ method, path, summary, access, input, answers }: Endpoint): PathConfig {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const parameters = z.object(Object.fromEntries(names.map((name) => [name, pathParameter(name)])));
  const hasInput = Object.keys(input.shape).length > 0;
  return {
    method: method.toLowerCase() as Lowercase<Endpoint['method']>,
    path: `${apiPrefix}${path}`,
    operationId: operationId(method, path),
    summary: access.scope === 'token' ? summary : `${summary} (${access.role})`,
    tags: [path.split('/')[path.startsWith('/projects/{id}/') ? 3 : 1] ?? ''],
    request: {
      ...(names.length === 0 ? {} : { params: parameters }),
      ...(hasInput && method === 'GET' ? { query: input } : {}),
      ...(hasInput && method !== 'GET'
        ? { body: { content: content(input, ['application/json', 'application/x-www-form-urlencoded']) } }
        : {}),
    },
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, response(schema)])),
      ...Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          status,
          { description, content: content(errorSchema, ['application/json']) },
        ]),
      ),
    },
  };
}

function response(schema: z.ZodType | null) {
  return schema === null ? { description: 'Done' } : { description: 'Done', content: content(schema, ['application/json']) };
}

function content(schema: z.ZodType, types: readonly string[]) {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function pathParameter(name: string) {
  if (name === 'id')
    return z.string().openapi({ description: 'The number or the URL-encoded path of the project', example: 'group%2Fname' });
  return name.endsWith('_id') && name !== 'run_id' ? z.int() : z.string();
}

/** `GET /projects/{id}/remote_mirrors` → `getProjectsIdRemoteMirrors` */
function operationId(method: string, path: string): string {
  return `${method.toLowerCase()}${path.replace(/[^a-zA-Z]+([a-zA-Z])?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '')}`;
}
