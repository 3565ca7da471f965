import { describe, expect, it } from 'vitest';
import { readForm } from '../../lib/console/read-form.ts';
import { splitUserInfo } from '../../lib/console/split-user-info.ts';

function formOf(fields: Readonly<Record<string, string>>) {
  return readForm(new Request('https://ferry.example/x', { method: 'POST', body: new URLSearchParams(fields) }));
}

async function split(fields: Readonly<Record<string, string>>) {
  const { form, note } = splitUserInfo(await formOf(fields), 'url');
  return {
    url: form.text('url'),
    auth: form.text('auth'),
    username: form.text('username'),
    password: form.exact('password'),
    hasNote: note !== undefined,
  };
}

describe('a URL in a form', () => {
  it.each([
    ['https://h.example/a', { url: 'https://h.example/a', auth: 'none', username: '', password: '', hasNote: false }],
    ['https://me:p%40ss@h.example/a', { url: 'https://h.example/a', auth: 'password', username: 'me', password: 'p@ss', hasNote: true }],
    ['https://token@h.example/a', { url: 'https://h.example/a', auth: 'password', username: 'token', password: '', hasNote: true }],
    ['ssh://git@h.example/a', { url: 'ssh://git@h.example/a', auth: 'none', username: '', password: '', hasNote: false }],
    ['ssh://me:pw@h.example/a', { url: 'ssh://h.example/a', auth: 'password', username: 'me', password: 'pw', hasNote: true }],
    ['git@h.example:a', { url: 'git@h.example:a', auth: 'none', username: '', password: '', hasNote: false }],
  ])('%s is split', async (url, expected) => {
    expect(await split({ url, auth: 'none' })).toEqual(expected);
  });

  it('loses its password also where another way to sign in was chosen', async () => {
    const { url, auth } = await split({ url: 'ssh://me:pw@h.example/a', auth: 'ssh_public_key' });
    expect([url, auth]).toEqual(['ssh://h.example/a', 'ssh_public_key']);
  });
});
