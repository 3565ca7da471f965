import { describe, expect, it } from 'vitest';
import { type CommandSettings, parseArguments, type SyncCommand } from '../../lib/cli/parse-arguments.ts';
import { GitferryError } from '../../lib/core/errors.ts';

const none: CommandSettings = { sourcePassword: undefined, targetPassword: undefined };
const urls = ['https://source.example.org/a.git', 'https://target.example.org/b.git'];

async function parsed(...options: string[]): Promise<SyncCommand> {
  const command = await parseArguments(['sync', ...urls, ...options], none);
  if (command.kind !== 'sync') throw new Error('not a sync command');
  return command;
}

async function codeOf(args: readonly string[], passwords = none): Promise<string> {
  try {
    await parseArguments(args, passwords);
    return 'accepted';
  } catch (error) {
    return error instanceof GitferryError ? error.code : `not ours: ${String(error)}`;
  }
}

describe('parseArguments', () => {
  it('fills in what is not said', async () => {
    const command = await parsed();
    expect(command).toMatchObject({ direction: 'push', dryRun: false, json: false, timeoutSeconds: 3600, allowAddresses: [] });
    expect(command.rules).toMatchObject({
      tags: 'all',
      deletions: true,
      deleteAmbiguousRefs: false,
      keepDivergentRefs: false,
      confirmDeletions: false,
      onlyProtectedBranches: false,
    });
  });

  it('takes every option of the contract', async () => {
    const command = await parsed(
      ...['--direction', 'pull', '--only-protected-branches', '--protected-branch', 'main', '--protected-branch=release/*', '--tags', '^v'],
      ...[
        '--keep-divergent-refs',
        '--overwrite-diverged-branches',
        '--no-delete',
        '--confirm-deletions',
        '--delete-ambiguous-refs',
        '--lfs',
        'auto',
        '--dry-run',
      ],
      ...['--allow-address', '10.0.0.0/8', '--allow-address', 'fd00::/8', '--timeout', '1.5', '--json'],
    );
    expect(command).toMatchObject({
      direction: 'pull',
      dryRun: true,
      json: true,
      timeoutSeconds: 1.5,
      allowAddresses: ['10.0.0.0/8', 'fd00::/8'],
    });
    expect(command.rules).toMatchObject({
      onlyProtectedBranches: true,
      protectedBranches: ['main', 'release/*'],
      tags: { regex: '^v' },
      keepDivergentRefs: true,
      overwriteDivergedBranches: true,
      deletions: false,
      deleteAmbiguousRefs: true,
      confirmDeletions: true,
    });
  });

  it.each([
    [['sync'], 'invalid_arguments'],
    [['sync', urls[0]!], 'invalid_arguments'],
    [['sync', ...urls, 'more'], 'invalid_arguments'],
    [['mirror', ...urls], 'invalid_arguments'],
    [['sync', ...urls, '--force'], 'invalid_arguments'],
    [['sync', ...urls, '--json=yes'], 'invalid_arguments'],
    [['sync', ...urls, '--direction', 'both'], 'invalid_arguments'],
    [['sync', ...urls, '--direction'], 'invalid_arguments'],
    [['sync', ...urls, '--timeout', '0'], 'invalid_arguments'],
    [['sync', ...urls, '--timeout', '1h'], 'invalid_arguments'],
    [['sync', ...urls, '--timeout', '99999999'], 'invalid_arguments'],
    [['sync', ...urls, '--tags', ''], 'invalid_arguments'],
    [['sync', ...urls, '--lfs', 'maybe'], 'invalid_arguments'],
    [['sync', ...urls, '--allow-address', 'everything'], 'invalid_arguments'],
    [['sync', ...urls, '--allow-address', '10.0.0.0/33'], 'invalid_arguments'],
    [['sync', ...urls, '--source-lfs-url', 'https://ada:secret@lfs.example.org'], 'invalid_url'],
    [['sync', ...urls, '--target-lfs-url', 'ssh://git@lfs.example.org/x'], 'unsupported_scheme'],
    [['sync', ...urls, '--source-ssh-key', 'key'], 'invalid_arguments'],
    [['sync', 'ssh://git@host/a.git', urls[1]!], 'host_key_unknown'],
    [['sync', 'ssh://git@host/a.git', urls[1]!, '--source-ssh-key', '/nowhere/key'], 'invalid_arguments'],
    [['sync', 'ssh://git@host/a.git', urls[1]!, '--source-ssh-key', '/'], 'invalid_arguments'],
    [['sync', 'ssh://git@host/a.git', urls[1]!, '--known-hosts', '/nowhere/known_hosts'], 'invalid_arguments'],
    [['sync', 'ssh://git@host/a.git', urls[1]!, '--known-hosts', '/dev/null'], 'invalid_arguments'],
    [['host-keys'], 'invalid_arguments'],
    [['host-keys', 'a', 'b'], 'invalid_arguments'],
    [['host-keys', 'host', '--lfs', 'off'], 'invalid_arguments'],
    [['host-keys', 'host', '--timeout', '0'], 'invalid_arguments'],
    [['host-keys', 'host', '--allow-address', 'x'], 'invalid_arguments'],
    [['host-keys', 'https://host/a.git'], 'invalid_url'],
    [['host-keys', '-oProxyCommand=x'], 'invalid_arguments'],
    [['host-keys', 'host:0'], 'invalid_url'],
    [['host-keys', 'host:99999'], 'invalid_url'],
    [['host-keys', ''], 'invalid_url'],
    [['sync', 'git@host:a.git', urls[1]!], 'scp_style_url'],
    [['sync', 'git://host/a.git', urls[1]!], 'unsupported_scheme'],
    [['sync', 'file:///srv/a.git', urls[1]!], 'unsupported_scheme'],
    [['sync', '/srv/a.git', urls[1]!], 'unsupported_scheme'],
    [['sync', '../a.git', urls[1]!], 'unsupported_scheme'],
    [['sync', 'https://host/a\n.git', urls[1]!], 'invalid_url'],
    [['sync', '', urls[1]!], 'invalid_url'],
    [['sync', urls[0]!, 'https://source.example.org/a'], 'same_repository'],
    [['sync', ...urls, '--branch-regex', 'a(?=b)'], 'invalid_regex'],
    [['sync', ...urls, '--tags', '(a)\\1'], 'invalid_regex'],
    [['sync', ...urls, '--branch-regex', 'x'.repeat(256)], 'regex_too_long'],
    [['sync', ...urls, '--branch-regex', 'a', '--only-protected-branches'], 'filters_exclusive'],
    [['sync', ...urls, '--branch-regex', 'a', '--protected-branch', 'main'], 'filters_exclusive'],
    [['sync', ...urls, '--protected-branch', 'main'], 'invalid_arguments'],
  ])('refuses %j with a code', async (args, code) => expect(await codeOf(args)).toBe(code));

  it.each([
    [['--help'], 'help'],
    [['-h'], 'help'],
    [[], 'help'],
    [['sync', '--help'], 'help'],
    [['--version'], 'version'],
  ])('understands %j', async (args, kind) => expect((await parseArguments(args, none)).kind).toBe(kind));

  it('takes passwords from the URL, percent-decoded once, or from the environment', async () => {
    const command = await parseArguments(
      ['sync', 'https://ada%40corp:p%2540ss@source.example.org/a.git', 'https://bob@target.example.org/b.git'],
      {
        sourcePassword: undefined,
        targetPassword: 'from the environment',
      },
    );
    expect(command).toMatchObject({
      source: { url: { href: 'https://source.example.org/a.git' }, credential: { username: 'ada@corp', password: 'p%40ss' } },
      target: { url: { href: 'https://target.example.org/b.git' }, credential: { username: 'bob', password: 'from the environment' } },
    });
  });

  it('allows the addresses of the environment beside its own, and checks them', async () => {
    const args = ['sync', ...urls, '--allow-address', '127.0.0.1'];
    const command = await parseArguments(args, { ...none, allowAddresses: '10.0.0.0/8, fd00::/8' });
    expect(command).toMatchObject({ allowAddresses: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] });
    expect(await codeOf(args, { ...none, allowAddresses: '10.0.0.0/8;x' })).toBe('invalid_arguments');
  });

  it.each(['token\n', ' token', 'token '])('refuses the password %j of the environment instead of sending it', async (password) => {
    const args = ['sync', 'https://source.example.org/a.git', urls[1]!];
    expect(await codeOf(args, { sourcePassword: password, targetPassword: undefined })).toBe('invalid_arguments');
    expect(await codeOf(args, { sourcePassword: password.trim(), targetPassword: undefined })).toBe('accepted');
  });

  it('refuses two different passwords for one side instead of choosing', async () => {
    const args = ['sync', 'https://ada:one@source.example.org/a.git', urls[1]!];
    expect(await codeOf(args, { sourcePassword: 'two', targetPassword: undefined })).toBe('invalid_arguments');
    expect(await codeOf(args, { sourcePassword: 'one', targetPassword: undefined })).toBe('accepted');
  });

  it.each([['--pasword=hunter22'], ['https://ada:hunter22@x y/'], ['ada:hunter22@host:path'], ['x:hunter22@h']])(
    'does not repeat %j in its message',
    async (argument) => {
      for (const args of [['sync', argument, urls[1]!], ['sync', ...urls, argument], [argument]]) {
        const error: unknown = await parseArguments(args, none).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(GitferryError);
        expect(`${(error as GitferryError).message} ${(error as GitferryError).hint}`).not.toContain('hunter22');
      }
    },
  );
});

describe('host-keys', () => {
  it.each([
    ['host.example.org', { host: 'host.example.org', port: undefined }],
    ['host.example.org:2222', { host: 'host.example.org', port: 2222 }],
    ['git@host.example.org', { host: 'host.example.org', port: undefined }],
    ['git@host.example.org:group/repository.git', { host: 'host.example.org', port: undefined }],
    ['ssh://git@host.example.org:7999/group/repository.git', { host: 'host.example.org', port: 7999 }],
    ['ssh://host.example.org', { host: 'host.example.org', port: undefined }],
    ['192.0.2.1', { host: '192.0.2.1', port: undefined }],
    ['2001:db8::1', { host: '2001:db8::1', port: undefined }],
    ['[2001:db8::1]:2222', { host: '2001:db8::1', port: 2222 }],
  ])('takes %s', async (text, place) => {
    expect(await parseArguments(['host-keys', text, '--json', '--timeout', '3', '--allow-address', '10.0.0.0/8'], none)).toEqual({
      ...{ kind: 'host-keys', place, json: true, timeoutSeconds: 3, allowAddresses: ['10.0.0.0/8'] },
    });
  });
});
