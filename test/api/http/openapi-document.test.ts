import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../../lib/api/endpoints.ts';
import { type Json, startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
let document: Json;
beforeAll(async () => {
  api = await startTestApi();
  document = (await api.call('GET', '/openapi.json')).body;
});
afterAll(() => api.close());

/** Every object below, with where it stands. */
function* objectsOf(value: Json, place = '#'): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  yield [place, value];
  for (const [name, inner] of Object.entries(value)) yield* objectsOf(inner, `${place}/${name}`);
}

describe('the OpenAPI document', () => {
  it('has every call, and no other', () => {
    const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(endpoints.map(({ method, path }) => `${method.toLowerCase()} /api/v4${path}`).sort());
    expect(described.length).toBeGreaterThan(45);
  });

  it('is OpenAPI 3.1 for this instance', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'gitferry' }, servers: [{ url: 'https://ferry.example.org' }] });
  });

  it('declares every path parameter, names every call once, and says what it answers', () => {
    const names = new Set<string>();
    for (const [path, methods] of Object.entries<Json>(document.paths)) {
      for (const call of Object.values<Json>(methods)) {
        const declared = (call.parameters ?? []).filter((parameter: Json) => parameter.in === 'path');
        expect(declared.map(({ name }: Json) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
        expect(declared.every(({ required }: Json) => required === true)).toBe(true);
        names.add(call.operationId);
        expect(Object.keys(call.responses).some((status) => status.startsWith('2'))).toBe(true);
        expect(Object.values<Json>(call.responses).every(({ description }) => typeof description === 'string')).toBe(true);
      }
    }
    expect(names.size).toBe(endpoints.length);
  });

  it('points at nothing that is not there', () => {
    const references = [...objectsOf(document)].flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
    expect(references.length).toBeGreaterThan(50);
    for (const reference of new Set(references)) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce((value: Json, name) => value?.[name], document);
      expect(found, reference).toBeTypeOf('object');
    }
  });

  it('describes every parameter of every call with a type', () => {
    for (const [path, methods] of Object.entries<Json>(document.paths)) {
      for (const [method, call] of Object.entries<Json>(methods)) {
        const properties = call.requestBody?.content['application/json'].schema.properties ?? {};
        const query = (call.parameters ?? []).filter((parameter: Json) => parameter.in === 'query');
        const input =
          endpoints.find((endpoint) => endpoint.method === method.toUpperCase() && `/api/v4${endpoint.path}` === path)?.input.shape ?? {};
        const described = [...Object.entries<Json>(properties), ...query.map(({ name, schema }: Json) => [name, schema])];
        expect(described.map(([name]) => name).sort()).toEqual(Object.keys(input).sort());
        for (const [name, schema] of described)
          expect(schema.type ?? schema.enum ?? schema.anyOf, `${method} ${path} ${name}`).toBeDefined();
      }
    }
  });
});
