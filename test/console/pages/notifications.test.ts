import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, nonceOf, startTestConsole, type TestConsole } from '../../support/console.ts';

let site: TestConsole;
let owner: Browser;
let project: { readonly id: number };
beforeAll(async () => {
  site = await startTestConsole();
  owner = await site.signedIn();
  project = await site.api.newProject();
});
afterAll(() => site.close());

const list = '/settings/notifications';
const slack = { name: 'ops', kind: 'slack', url: 'https://hooks.example.org/secret-path', show_addresses: 'true', digest_minutes: '0' };

async function made(person: Browser, path: string, form: Record<string, string | string[]>) {
  const form_nonce = nonceOf(await person.get(path));
  return person.post(path, { ...form, form_nonce });
}

describe('the page of notifications', () => {
  it('makes a channel, tests it, switches it off, and deletes it after asking', async () => {
    expect((await made(owner, list, { ...slack, events: ['host.down', 'host.up'] })).location).toBe(list);
    const [channel] = await site.deps.records.channels.all();
    expect(channel).toMatchObject({ name: 'ops', events: ['host.down', 'host.up'], showAddresses: true });
    const page = await owner.get(list);
    expect(page.text).toContain('hooks.example.org');
    expect(page.text).not.toContain('secret-path');
    await owner.post(`${list}/${channel!.id}/test`);
    expect((await owner.get(list)).text).toContain('The test was taken: HTTP 204');
    await owner.post(`${list}/${channel!.id}/switch`, { enabled: 'false' });
    expect((await site.deps.records.channels.get(channel!.id))?.enabled).toBe(false);
    expect((await owner.get(`${list}/${channel!.id}`)).status).toBe(200);
    expect((await owner.get(`${list}/${channel!.id}/delete`)).text).toContain('Delete the channel ops?');
    await owner.post(`${list}/${channel!.id}/delete`);
    expect(await site.deps.records.channels.all()).toEqual([]);
  });

  it("shows a webhook's secret once", async () => {
    const answer = await made(owner, list, { ...slack, kind: 'webhook' });
    expect([answer.status, /whsec_[A-Za-z0-9+/=]+/.test(answer.text)]).toEqual([201, true]);
    expect((await owner.get(list)).text).not.toContain('whsec_');
  });

  it('gives back what was typed with what is wrong with it, but no secret', async () => {
    const answer = await made(owner, list, {
      ...slack,
      kind: 'email',
      smtp_host: 'smtp.example.org',
      smtp_password: 'typed-once',
      mail_to: 'nobody',
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('value="smtp.example.org"');
    expect(answer.text).not.toContain('typed-once');
    expect(answer.text).toMatch(/must be an e-mail address/i);
  });

  it("is a maintainer's for a project, and nobody's who may not", async () => {
    const path = `/projects/${project.id}/notifications`;
    const maintainer = await site.signedIn(await site.api.newToken('maintainer', { projectIds: [project.id] }));
    expect((await made(maintainer, path, slack)).location).toBe(path);
    expect((await maintainer.get(`/projects/${project.id}`)).text).toContain(path);
    const reporter = await site.signedIn(await site.api.newToken('reporter'));
    const statuses = await Promise.all([maintainer.get(list), reporter.get(path), reporter.get(list), reporter.post(path, slack)]);
    expect(statuses.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });
});
