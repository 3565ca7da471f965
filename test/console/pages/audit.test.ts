import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestConsole, type TestConsole } from '../../support/console.ts';

let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole();
});
afterAll(() => site.close());

describe('the audit page', () => {
  it('shows who did what, newest first, of the instance or one project, without secrets', async () => {
    const { id, path } = await site.api.newProject();
    const other = await site.api.newProject();
    const body = { repository_url: 'https://u:pw-never-shown-1@git.example.com/b.git' };
    expect((await site.api.call('PUT', `/projects/${id}`, { body })).status).toBe(200);
    await site.api.call('PUT', `/projects/${other.id}`, { body: { path: `${other.path}-renamed` } });
    const owner = await site.signedIn();
    const { status, text } = await owner.get('/settings/audit');
    expect(status).toBe(200);
    expect(text.indexOf(`${other.path}-renamed`)).toBeGreaterThan(0);
    expect(text.indexOf(`${other.path}-renamed`)).toBeLessThan(text.indexOf('repository_url'));
    expect(text).not.toContain('pw-never-shown-1');
    const ofProject = (await owner.get(`/settings/audit?project=${id}`)).text;
    expect(ofProject).toContain(path);
    expect(ofProject).not.toContain('-renamed');
  });

  it('gives all events as JSON lines, over as many pages as there are', async () => {
    const { id } = await site.api.newProject();
    for (let n = 0; n < 105; n++) await site.api.call('DELETE', `/projects/${id}/protected_branches/none-${n}`);
    const owner = await site.signedIn();
    const { status, headers, text } = await owner.get(`/settings/audit.jsonl?project=${id}`);
    expect([status, headers.get('content-disposition')]).toEqual([200, 'attachment; filename="gitferry-audit.jsonl"']);
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly id: number; readonly entity_id: number });
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    expect(events.length).toBeGreaterThan(100);
    expect(new Set(events.map(({ entity_id }) => entity_id))).toEqual(new Set([id]));
  });

  it('is for owners of the instance only', async () => {
    const person = await site.signedIn(await site.api.newToken('maintainer'));
    expect((await person.get('/settings/audit')).status).toBe(403);
    expect((await person.get('/settings/audit.jsonl')).status).toBe(403);
  });
});
