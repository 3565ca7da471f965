import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
let project: { readonly id: number };
let maintainer: string;
beforeAll(async () => {
  api = await startTestApi();
  project = await api.newProject();
  maintainer = await api.newToken('maintainer', { projectIds: [project.id] });
});
afterAll(() => api.close());

const base = '/notification_channels';
const hookUrl = 'https://hooks.example.org/services/T0/B0/secret-path';
const slack = { name: 'ops', kind: 'slack', url: hookUrl };
const mail = { name: 'mail', kind: 'email', smtp_host: 'smtp.example.org', mail_from: 'ferry@example.org', mail_to: ['ops@example.org'] };

describe('a channel', () => {
  it('is made, shown, changed and deleted, and its address and secret are never shown again', async () => {
    const made = await api.call('POST', base, { body: { ...slack, kind: 'webhook' } });
    expect([made.status, made.body.target, made.body.events]).toEqual([201, 'hooks.example.org', null]);
    expect(made.body.signing_secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const path = `${base}/${made.body.id}`;
    const changed = await api.call('PUT', path, {
      body: { events: ['mirror.updated'], quiet_from: '22:00', quiet_to: '07:00', quiet_time_zone: 'Europe/Berlin' },
    });
    expect(changed.body).toMatchObject({ events: ['mirror.updated'], quiet_from: '22:00', quiet_time_zone: 'Europe/Berlin', name: 'ops' });
    expect(changed.body.signing_secret).toBeUndefined();
    for (const answer of [await api.call('GET', path), await api.call('GET', base)]) {
      expect(answer.text).not.toContain('secret-path');
      expect(answer.text).not.toContain('whsec_');
    }
    expect(api.logLines.join('')).not.toContain('secret-path');
    const { secretName } = (await api.deps.records.channels.get(made.body.id))!;
    expect((await api.call('DELETE', path)).status).toBe(204);
    expect((await api.call('GET', path)).status).toBe(404);
    await expect(api.deps.secrets.read(secretName, { fresh: true })).rejects.toThrow();
  });

  it('says what the other side answers to a test', async () => {
    const { id } = (await api.call('POST', base, { body: slack })).body;
    api.testChannel = async (channel) => ({ ok: channel.id === id, words: 'HTTP 200: ok' });
    expect((await api.call('POST', `${base}/${id}/send_test`)).body).toEqual({ ok: true, answer: 'HTTP 200: ok' });
    expect((await api.call('GET', `${base}/${id}/sent_notifications`)).body).toEqual([]);
  });

  it.each<[string, object]>([
    ['url', { ...slack, url: 'ftp://hooks.example.org/x' }],
    ['url', { ...slack, url: 'https://user:password@hooks.example.org/x' }],
    ['url', { ...slack, url: 'http://127.0.0.1/x' }],
    ['url', { ...slack, url: 'http://[::ffff:10.0.0.1]/x' }],
    ['url', { ...slack, url: undefined }],
    ['signing_secret', { ...slack, kind: 'webhook', signing_secret: 'whsec_short' }],
    ['signing_secret', { ...slack, signing_secret: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }],
    ['smtp_host', { ...slack, smtp_host: 'smtp.example.org' }],
    ['smtp_host', { ...mail, smtp_host: '169.254.169.254' }],
    ['smtp_tls', { ...mail, smtp_tls: 'none', smtp_username: 'u', smtp_password: 'p' }],
    ['smtp_password', { ...mail, smtp_username: 'u' }],
    ['mail_to', { ...mail, mail_to: ['ops@example.org\r\nBcc: all@example.org'] }],
    ['mail_from', { ...mail, mail_from: 'nobody' }],
    ['events', { ...slack, events: ['mirror.exploded'] }],
    ['quiet_from', { ...slack, quiet_from: '25:00', quiet_to: '07:00' }],
    ['quiet_from', { ...slack, quiet_to: '07:00' }],
    ['quiet_time_zone', { ...slack, quiet_from: '22:00', quiet_to: '07:00', quiet_time_zone: 'Mars/Base' }],
  ])('is refused for its %s', async (field, body) => {
    const { status, text } = await api.call('POST', base, { body });
    expect([status, text.includes(field)]).toEqual([400, true]);
    expect(text).not.toContain('secret-path');
  });

  it('asks for a password again where the mail server is another one', async () => {
    const { id } = (await api.call('POST', base, { body: { ...mail, smtp_username: 'u', smtp_password: 'given-once' } })).body;
    expect((await api.call('PUT', `${base}/${id}`, { body: { smtp_host: 'elsewhere.example.org' } })).status).toBe(400);
    expect((await api.call('PUT', `${base}/${id}`, { body: { mail_to: ['two@example.org'] } })).body.target).toBe('two@example.org');
    const { secretName } = (await api.deps.records.channels.get(id))!;
    expect(await api.deps.secrets.read(secretName, { fresh: true })).toMatchObject({
      smtpHost: 'smtp.example.org',
      password: 'given-once',
    });
  });
});

describe("a project's channels", () => {
  it("are its maintainers' business, and nobody else's but an owner's", async () => {
    const path = `/projects/${project.id}/notification_channels`;
    const made = await api.call('POST', path, { token: maintainer, body: slack });
    expect([made.status, made.body.project_id]).toEqual([201, project.id]);
    expect((await api.call('GET', path, { token: maintainer })).body.map(({ id }: { id: number }) => id)).toEqual([made.body.id]);
    const other = await api.newProject();
    const elsewhere = await api.newToken('maintainer', { projectIds: [other.id] });
    const reporter = await api.newToken('reporter');
    const statuses = await Promise.all([
      api.call('GET', path, { token: reporter }),
      api.call('GET', path, { token: elsewhere }),
      api.call('GET', `/projects/${other.id}/notification_channels/${made.body.id}`, { token: elsewhere }),
      api.call('POST', `/projects/${other.id}/notification_channels/${made.body.id}/send_test`, { token: elsewhere }),
      api.call('DELETE', `/projects/${other.id}/notification_channels/${made.body.id}`, { token: elsewhere }),
      api.call('GET', base, { token: maintainer }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([403, 404, 404, 404, 404, 403]);
    expect((await api.call('GET', `${base}/${made.body.id}`)).status).toBe(200);
  });

  it('go with their project', async () => {
    const gone = await api.newProject();
    const { id } = (await api.call('POST', `/projects/${gone.id}/notification_channels`, { body: slack })).body;
    const { secretName } = (await api.deps.records.channels.get(id))!;
    await api.call('DELETE', `/projects/${gone.id}`);
    expect((await api.call('GET', `${base}/${id}`)).status).toBe(404);
    await expect(api.deps.secrets.read(secretName, { fresh: true })).rejects.toThrow();
  });
});
