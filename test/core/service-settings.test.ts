import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import * as settings from '../../lib/core/service-settings.ts';
import { isCidr } from '../../lib/net/address-guard.ts';

const readServiceSettings = (environment: settings.Environment, needs: settings.Needs) =>
  settings.readServiceSettings(environment, needs, isCidr);
const readLocalSettings = (environment: settings.Environment) => settings.readLocalSettings(environment, isCidr);

function problemOf(read: () => unknown): GitferryError {
  try {
    read();
  } catch (error) {
    if (error instanceof GitferryError) return error;
  }
  throw new Error('no problem was found');
}

const complete: settings.Environment = {
  GITFERRY_TABLE: 'gitferry-prod',
  GITFERRY_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/123456789012/gitferry',
  GITFERRY_PUBLIC_URL: 'https://gitferry.example.org/',
};
const everything = { queue: true, publicUrl: true };

describe('readServiceSettings', () => {
  it('reads what is set and fills in the rest', () => {
    expect(readServiceSettings({ ...complete, GITFERRY_ALLOW_ADDRESSES: '10.0.0.0/8, fd00::/8' }, everything)).toEqual({
      table: 'gitferry-prod',
      queueUrl: complete['GITFERRY_QUEUE_URL'],
      secretPrefix: 'gitferry/',
      allowAddresses: ['10.0.0.0/8', 'fd00::/8'],
      publicUrl: 'https://gitferry.example.org',
      auditDays: 365,
      workers: 24,
      logLevel: 'info',
    });
  });

  it('names every problem at once', () => {
    const { code, message } = problemOf(() =>
      readServiceSettings({ GITFERRY_QUEUE_URL: 'nonsense', GITFERRY_LOG_LEVEL: 'loud' }, everything),
    );
    expect(code).toBe('invalid_settings');
    for (const name of ['GITFERRY_TABLE', 'GITFERRY_QUEUE_URL', 'GITFERRY_PUBLIC_URL', 'GITFERRY_LOG_LEVEL'])
      expect(message).toContain(name);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(problemOf(() => readServiceSettings({ ...complete, GITFERRY_TABLE: '' }, everything)).message).toContain(
      'GITFERRY_TABLE is not set',
    );
  });

  it('asks a function only for what it needs', () => {
    expect(readServiceSettings({ GITFERRY_TABLE: 'gitferry' }, { queue: false, publicUrl: false }).table).toBe('gitferry');
  });
});

describe('readLocalSettings', () => {
  it('needs nothing', () => {
    expect(readLocalSettings({})).toMatchObject({ port: 8787, dataFolder: '.gitferry', table: 'gitferry', adminToken: undefined });
  });

  it.each([
    ['PORT', '70000'],
    ['PORT', '80a'],
    ['GITFERRY_TABLE', 'a b'],
    ['GITFERRY_SECRET_PREFIX', 'with space'],
    ['GITFERRY_ADMIN_TOKEN', 'a token with spaces in it'],
    ['GITFERRY_ADMIN_TOKEN', 'fifteen-letters'],
    ['GITFERRY_ADMIN_TOKEN', 'x'.repeat(256)],
    ['GITFERRY_PUBLIC_URL', 'ftp://files.example.org'],
    ['GITFERRY_PUBLIC_URL', 'https://example.org/path'],
    ['GITFERRY_PUBLIC_URL', 'https://user@example.org'],
    ['GITFERRY_QUEUE_URL', 'sqs:queue'],
    ['GITFERRY_LOG_LEVEL', 'verbose'],
    ['GITFERRY_ALLOW_ADDRESSES', '10.0.0.0/8 10.0.0/8'],
  ])('refuses %s=%s by name, without repeating the value', (name, value) => {
    const { code, message } = problemOf(() => readLocalSettings({ [name]: value }));
    expect(code).toBe('invalid_settings');
    expect(message).toContain(name);
    expect(message).not.toContain(value);
  });
});
