/** A client made for GitLab, python-gitlab, works with the API as it is. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/api.ts';
import { isAvailable } from '../support/programs.ts';

const python = '/usr/bin/python3';

describe.skipIf(!isAvailable('pythonGitlab'))('python-gitlab', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ isPublicHere: true });
  });
  afterAll(() => api.close());

  it('does what scripts do with it', async () => {
    const script = new URL('./python_gitlab_client.py', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(python, [script, api.origin, api.ownerToken]);
    expect(JSON.parse(stdout)).toEqual({
      user: 'root',
      version: expect.stringContaining('gitferry'),
      by_path: true,
      offset: ['app', 'more-0', 'more-1', 'more-2'],
      total: 4,
      keyset: ['app', 'more-0', 'more-1', 'more-2'],
      url: 'https://*****:*****@m.example.org/a.git',
      mirror: [false, true, 'none'],
      refused: [400, [expect.stringContaining('ssh://git@h.example.org/x/y')]],
      left: 0,
      branch: true,
      started: true,
      pull: 'https://up.example.org/a.git',
      silent: true,
      gone: [404, '404 Project Not Found'],
      stranger: 401,
    });
  });
});
