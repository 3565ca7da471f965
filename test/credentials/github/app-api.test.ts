import { describe, expect, it } from 'vitest';
import { appRepositoryOf } from '../../../lib/credentials/github/app-api.ts';

describe('the API that an App asks', () => {
  it.each([
    ['https://github.com/acme/app.git', 'https://api.github.com'],
    ['https://GitHub.com/acme/app/', 'https://api.github.com'],
    ['https://acme.ghe.com/acme/app', 'https://api.acme.ghe.com'],
    ['https://git.example.org:8443/acme/app', 'https://git.example.org:8443/api/v3'],
    ['https://github.com.example.org/acme/app', 'https://github.com.example.org/api/v3'],
    ['https://notghe.com/acme/app', 'https://notghe.com/api/v3'],
  ])('of %s is %s', (url, api) => {
    expect(appRepositoryOf(url)).toEqual({ api, owner: 'acme', name: 'app' });
  });

  it.each(['https://github.com/acme', 'https://github.com/acme/group/app', 'https://github.com/', 'https://github.com//app'])(
    'of %s is none',
    (url) => {
      expect(appRepositoryOf(url)).toBeUndefined();
    },
  );
});
