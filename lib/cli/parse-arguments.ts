/** The command line as data: everything checked, nothing done. */
import { parseArgs } from 'node:util';
import { GitferryError } from '../core/errors.ts';
import { isSameRepository, parseRepositoryUrl, type RepositoryUrl, type UserInfo } from '../git/transport/repository-url.ts';
import type { Direction } from '../mirror/planning.ts';
import { type CompiledRules, compileRules, defaultRules, type MirrorRules } from '../mirror/rules.ts';
import { parseCidr } from '../net/address-guard.ts';

export interface Endpoint {
  readonly url: RepositoryUrl;
  readonly credential: UserInfo | undefined;
}

export interface SyncCommand {
  readonly kind: 'sync';
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly direction: Direction;
  readonly rules: CompiledRules;
  readonly dryRun: boolean;
  readonly allowAddresses: readonly string[];
  readonly timeoutSeconds: number;
  readonly json: boolean;
}

export type Command = SyncCommand | { readonly kind: 'help' } | { readonly kind: 'version' };

/** What came by the environment. */
export interface CommandSettings {
  /** GITFERRY_ALLOW_ADDRESSES: CIDRs separated by commas or spaces, beside those of --allow-address. */
  readonly allowAddresses?: string | undefined;
  readonly sourcePassword: string | undefined;
  readonly targetPassword: string | undefined;
}

const defaultTimeoutSeconds = 3600;
/** A timer's limit in Node. */
const longestTimeoutSeconds = 2_147_483;

const options = {
  direction: { type: 'string' },
  'only-protected-branches': { type: 'boolean' },
  'protected-branch': { type: 'string', multiple: true },
  'branch-regex': { type: 'string' },
  tags: { type: 'string' },
  'keep-divergent-refs': { type: 'boolean' },
  'overwrite-diverged-branches': { type: 'boolean' },
  'no-delete': { type: 'boolean' },
  'confirm-deletions': { type: 'boolean' },
  lfs: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'allow-address': { type: 'string', multiple: true },
  'source-ssh-key': { type: 'string' },
  'target-ssh-key': { type: 'string' },
  'known-hosts': { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseStrictly>['values'];

function parseStrictly(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
}

/**
 * Parses and checks. Throws `invalid_arguments` and the codes of URLs and rules (`invalid_url`, `scp_style_url`, `unsupported_scheme`, `same_repository`,
 * `invalid_regex`, `regex_too_long`, `filters_exclusive`); messages never hold what may be a password.
 */
export async function parseArguments(args: readonly string[], settings: CommandSettings): Promise<Command> {
  const { values, positionals } = parsed(args);
  if (values.help === true || args.length === 0) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, sourceText, targetText, ...more] = positionals;
  if (command === undefined) throw invalid('A command is missing.');
  if (command !== 'sync')
    throw invalid(/^[a-z-]{1,20}$/.test(command) ? `There is no command ${command}.` : 'The first argument is no command.');
  if (sourceText === undefined || targetText === undefined) throw invalid('sync takes two URLs: SOURCE and TARGET.');
  if (more.length > 0) throw invalid(`sync takes two URLs, not ${positionals.length - 1}.`);

  const source = endpoint(sourceText, 'SOURCE', settings.sourcePassword, 'GITFERRY_SOURCE_PASSWORD');
  const target = endpoint(targetText, 'TARGET', settings.targetPassword, 'GITFERRY_TARGET_PASSWORD');
  if (isSameRepository(source.url, target.url)) throw new GitferryError('same_repository', { detail: `Both are ${source.url.href}.` });
  if (values.lfs !== undefined && !['auto', 'on', 'off'].includes(values.lfs)) throw invalid('--lfs takes auto, on or off.');
  if (values.lfs === 'on') throw new GitferryError('lfs_unavailable');
  const sshOption = (['source-ssh-key', 'target-ssh-key', 'known-hosts'] as const).find((name) => values[name] !== undefined);
  if (sshOption !== undefined) throw new GitferryError('ssh_unavailable', { detail: `--${sshOption} has no use.` });
  const allowAddresses = [...(values['allow-address'] ?? []), ...(settings.allowAddresses ?? '').split(/[\s,]+/).filter(Boolean)];
  for (const cidr of allowAddresses) parseCidr(cidr);
  return {
    kind: 'sync',
    source,
    target,
    direction: direction(values),
    rules: await compileRules(rules(values)),
    dryRun: values['dry-run'] ?? false,
    allowAddresses,
    timeoutSeconds: timeoutSeconds(values),
    json: values.json ?? false,
  };
}

function parsed(args: readonly string[]): ReturnType<typeof parseStrictly> {
  try {
    return parseStrictly(args);
  } catch (cause) {
    // parseArgs' messages name the option, but a mistyped URL could be in them too.
    const option = /'(--?[A-Za-z][A-Za-z-]*)/.exec((cause as Error).message)?.[1];
    throw new GitferryError('invalid_arguments', {
      detail: option === undefined ? 'They cannot be read.' : `${option} is unknown here, lacks its value, or takes none.`,
    });
  }
}

function endpoint(text: string, field: string, password: string | undefined, variable: string): Endpoint {
  const { url, userInfo } = parseRepositoryUrl(text, field);
  if (url.scheme === 'ssh') throw new GitferryError('ssh_unavailable', { detail: `${field} is ${url.href}.` });
  if (password === undefined || password === '') return { url, credential: userInfo };
  if (userInfo !== undefined && userInfo.password !== '' && userInfo.password !== password) {
    throw invalid(`The password of ${field} is given twice, in the URL and in ${variable}, and they differ.`);
  }
  return { url, credential: { username: userInfo?.username ?? '', password } };
}

function direction({ direction: value = 'push' }: Values): Direction {
  if (value !== 'push' && value !== 'pull') throw invalid('--direction takes push or pull.');
  return value;
}

function rules(values: Values): MirrorRules {
  const { tags = 'all' } = values;
  if (tags === '') throw invalid('--tags takes all, none or a regular expression.');
  const branchRegex = values['branch-regex'];
  // Silently mirroring everything would publish what somebody meant to leave out.
  if (values['protected-branch'] !== undefined && values['only-protected-branches'] !== true) {
    if (branchRegex !== undefined) throw new GitferryError('filters_exclusive');
    throw invalid('--protected-branch has no effect without --only-protected-branches.');
  }
  return {
    ...defaultRules,
    onlyProtectedBranches: values['only-protected-branches'] ?? false,
    protectedBranches: values['protected-branch'] ?? [],
    ...(branchRegex === undefined ? {} : { branchRegex }),
    tags: tags === 'all' || tags === 'none' ? tags : { regex: tags },
    keepDivergentRefs: values['keep-divergent-refs'] ?? false,
    overwriteDivergedBranches: values['overwrite-diverged-branches'] ?? false,
    deletions: values['no-delete'] !== true,
    confirmDeletions: values['confirm-deletions'] ?? false,
  };
}

function timeoutSeconds({ timeout }: Values): number {
  if (timeout === undefined) return defaultTimeoutSeconds;
  const seconds = Number(timeout);
  if (!/^\d+(\.\d+)?$/.test(timeout) || seconds <= 0 || seconds > longestTimeoutSeconds) {
    throw invalid(`--timeout takes a number of seconds above 0 and up to ${longestTimeoutSeconds}.`);
  }
  return seconds;
}

function invalid(detail: string): GitferryError {
  return new GitferryError('invalid_arguments', { detail });
}
