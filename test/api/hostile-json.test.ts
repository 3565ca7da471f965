/** Deep, long and odd JSON in every call of the API: 400 or 413, never a failure. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../lib/api/endpoints.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const deep = (levels: number): string => `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`;
const post = (body: string, path = '/projects') => api.call('POST', path, { body, headers: { 'content-type': 'application/json' } });

describe('a body of JSON', () => {
  it('that is nested a hundred levels, or a hundred thousand, is refused in every field of every call', async () => {
    const { id } = await api.newProject();
    let tried = 0;
    for (const { method, path, input } of endpoints.filter((endpoint) => /^(POST|PUT)$/.test(endpoint.method))) {
      const at = path.replace('{id}', String(id)).replace(/\{\w+\}/g, '1');
      const names = Object.keys(input.shape);
      const body = `{${names.map((name) => `${JSON.stringify(name)}:${deep(100)}`).join(',')}}`;
      const { status } = await api.call(method, at, { body, headers: { 'content-type': 'application/json' } });
      // Before the path's own ids are looked at, or after.
      if (names.length > 0) expect([method, path, [400, 404].includes(status)]).toEqual([method, path, true]);
      tried += names.length;
    }
    expect(tried).toBeGreaterThan(60);
    expect((await post(`{"path":${deep(10_000)}}`)).status).toBe(400);
  });

  const path = 'json/twice';
  const url = 'https://git.example.org/json/twice.git';
  it.each([
    ['a hundred kilobytes of names', `{${Array.from({ length: 10_000 }, (_, index) => `"${index}":1`).join(',')}}`, 400],
    ['a megabyte of names', `{${Array.from({ length: 100_000 }, (_, index) => `"${index}":1`).join(',')}}`, 413],
    ['ten megabytes of text', `{"path":"${'x'.repeat(10_000_000)}"}`, 413],
    ['a name of 200 KB', `{"${'x'.repeat(200_000)}":1}`, 400],
    ['40,000 times the same name', `{${'"a":1,'.repeat(40_000)}"a":1}`, 400],
    ['a number of 200,000 digits', `{"path":${'1'.repeat(200_000)}}`, 400],
    ['a list of 100,000 lists', `{"path":[${'[],'.repeat(80_000)}[]]}`, 400],
    ['a prototype', `{"__proto__":{"path":"${path}","repository_url":"${url}"}}`, 400],
    ['a prototype below a field', `{"path":{"__proto__":{"toString":1}},"repository_url":"${url}"}`, 400],
    ['a constructor', `{"constructor":{"prototype":{"path":"a/b"}},"path":"${path}"}`, 400],
    ['half a character in a name', `{"\\ud800":1}`, 400],
    ['half a character in a value', `{"path":"a/\\udc00","repository_url":"${url}"}`, 400],
    ['a NUL in a value', `{"path":"a/b\\u0000","repository_url":"${url}"}`, 400],
    ['a NUL between', `{"path":"a/b",\0"repository_url":"${url}"}`, 400],
    ['a comment', `{"path":"${path}"/**/}`, 400],
    ['a number that is none', '{"path":NaN}', 400],
    ['a number beyond all', `{"path":1e999,"repository_url":"${url}"}`, 400],
    ['two values', `{"path":"${path}"}{"path":"${path}"}`, 400],
  ])('with %s is answered with a refusal', async (_, body, status) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(answer.text.length).toBeLessThan(2_000);
    expect(({} as Record<string, unknown>)['path']).toBeUndefined();
  });

  it('that names a field twice means the last of them, for every check alike', async () => {
    const blocked = 'http://169.254.169.254/latest';
    const one = await post(`{"path":"${path}","repository_url":"${url}","repository_url":"${blocked}"}`);
    expect([one.status, one.body.code]).toEqual([400, 'address_blocked']);
    const other = await post(`{"path":"../../x","repository_url":"${blocked}","path":"${path}","repository_url":"${url}"}`);
    expect([other.status, other.body.repository_url]).toEqual([201, url]);
  });
});
