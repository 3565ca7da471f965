/** The OpenAPI document, made of the same schemas that calls are checked against. */
import { z } from 'zod';
import { version } from '../../core/version.ts';
import { ok } from './answer.ts';
import { refusalSchema } from './api-error.ts';
import { type Endpoint, instanceEndpoint } from './endpoint.ts';
import { apiPrefix } from './route-path.ts';

const refusals = {
  400: 'A parameter is missing, unknown or not usable; `error` or `message` names it',
  401: 'No token, an unknown or an expired one',
  403: 'The role is too low',
  404: 'There is no such thing, or the token may not see it',
  503: 'The table or the secret store cannot be reached; try again',
} as const;
const timeOut = { 504: 'The host did not answer in time' } as const;

/** The call that hands out the document; it describes itself as well. */
export function openApiEndpoint(others: readonly Endpoint[]): Endpoint {
  const self: Endpoint = instanceEndpoint(
    { method: 'GET', path: '/openapi.json', summary: 'This document', input: z.object({}), answers: { 200: z.unknown() } },
    async ({ deps }) => ok(openApiDocument([...others, self], deps.publicUrl)),
  );
  return self;
}

function openApiDocument(endpoints: readonly Endpoint[], publicUrl: string): object {
  const named: NamedSchemas = {};
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints) {
    const path = `${apiPrefix}${endpoint.path}`;
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint, named) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'gitferry', version, description: 'Git mirroring; compatible with the GitLab REST API where that has the call.' },
    servers: [{ url: publicUrl }],
    security: [{ token: [] }, { bearer: [] }],
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'PRIVATE-TOKEN' }, bearer: { type: 'http', scheme: 'bearer' } },
      schemas: named,
    },
    paths,
  };
}

/** The schemas that have a name (`.meta({ id })`): they stand once, and all others refer to them. */
type NamedSchemas = Record<string, object>;

function operation({ method, path, summary, access, input, answers, mayTimeOut = false }: Endpoint, named: NamedSchemas): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const { properties = {}, required = [], ...given } = written(input, 'input', named);
  const fields = Object.entries(properties);
  const queryParameters = fields.map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
  const body = content({ ...given, properties, required }, ['application/json', 'application/x-www-form-urlencoded']);
  return {
    operationId: operationId(method, path),
    summary: access.scope === 'token' ? summary : `${summary} (${access.role})`,
    tags: [path.split('/')[path.startsWith('/projects/{id}/') ? 3 : 1] ?? ''],
    parameters: [...names.map(pathParameter), ...(method === 'GET' ? queryParameters : [])],
    ...(method === 'GET' || fields.length === 0 ? {} : { requestBody: { content: body } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, response(schema, named)])),
      ...Object.fromEntries(
        Object.entries({ ...refusals, ...(mayTimeOut ? timeOut : {}) }).map(([status, description]) => [
          status,
          { ...response(refusalSchema, named), description },
        ]),
      ),
    },
  };
}

function response(schema: z.ZodType | null, named: NamedSchemas): object {
  return { description: 'Done', ...(schema === null ? {} : { content: content(written(schema, 'output', named), ['application/json']) }) };
}

function content(schema: object, types: readonly string[]): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function pathParameter(name: string): object {
  const known =
    name === 'id'
      ? { schema: { type: 'string' }, description: 'The number or the URL-encoded path of the project', example: 'group%2Fname' }
      : { schema: { type: name.endsWith('_id') && name !== 'run_id' ? 'integer' : 'string' } };
  return { name, in: 'path', required: true, ...known };
}

/** A schema as OpenAPI 3.1 writes it. Adds to `named` what it refers to. */
function written(schema: z.ZodType, io: 'input' | 'output', named: NamedSchemas): z.core.JSONSchema.BaseSchema {
  const { $schema: _, $defs = {}, ...shown } = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => leaveOut(jsonSchema) });
  for (const [name, { id: __, ...definition }] of Object.entries($defs)) named[name] ??= referringToComponents(definition);
  return referringToComponents(shown);
}

function referringToComponents<T extends object>(schema: T): T {
  return JSON.parse(JSON.stringify(schema), (key: string, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : value,
  );
}

/** What is true of every schema here says nothing. Answers may get more fields in later versions. */
function leaveOut(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.additionalProperties === false) delete schema.additionalProperties;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.propertyNames !== undefined) delete schema.propertyNames;
}

/** `GET /projects/{id}/remote_mirrors` → `getProjectsIdRemoteMirrors` */
function operationId(method: string, path: string): string {
  return `${method.toLowerCase()}${path.replace(/[^a-zA-Z]+([a-zA-Z])?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '')}`;
}
