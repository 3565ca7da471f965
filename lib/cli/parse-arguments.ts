/** The command line as data: everything checked, nothing done. */
import { parseArgs } from 'node:util';
import { GitferryError } from '../core/errors.ts';
import { credentialFault } from '../credentials/credential-fault.ts';
import type { RemoteEndpoint } from '../git/transport/create-transport.ts';
import { type HostPlace, parseHostPlace } from '../git/transport/host-keys/known-hosts.ts';
import { parseLfsUrl } from '../git/transport/lfs-url.ts';
import { isSameRepository, parseRepositoryUrl, type RepositoryUrl, sshFormOfScp } from '../git/transport/repository-url.ts';
import type { LfsInput } from '../mirror/lfs-step.ts';
import type { Direction } from '../mirror/planning.ts';
import { type CompiledRules, compileRules, defaultRules, type MirrorRules } from '../mirror/rules.ts';
import { parseCidr } from '../net/address-guard.ts';
import { hostKeysOf, readKnownHosts, readPrivateKey } from './ssh-files.ts';

export interface SyncCommand {
  readonly kind: 'sync';
  readonly source: RemoteEndpoint;
  readonly target: RemoteEndpoint;
  readonly direction: Direction;
  readonly rules: CompiledRules;
  /** undefined = off. */
  readonly lfs: LfsInput | undefined;
  readonly lfsUrls: { readonly source: RepositoryUrl | undefined; readonly target: RepositoryUrl | undefined };
  readonly dryRun: boolean;
  readonly allowAddresses: readonly string[];
  readonly timeoutSeconds: number;
  readonly json: boolean;
}

export interface HostKeysCommand {
  readonly kind: 'host-keys';
  readonly place: HostPlace;
  readonly allowAddresses: readonly string[];
  readonly timeoutSeconds: number;
  readonly json: boolean;
}

export type Command = SyncCommand | HostKeysCommand | { readonly kind: 'help' } | { readonly kind: 'version' };

/** What came by the environment. */
export interface CommandSettings {
  /** GITFERRY_ALLOW_ADDRESSES: CIDRs separated by commas or spaces, beside those of --allow-address. */
  readonly allowAddresses?: string | undefined;
  readonly sourcePassword: string | undefined;
  readonly targetPassword: string | undefined;
}

const defaultTimeoutSeconds = 3600;
/** As the service's. */
const detectionSeconds = 25;
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
  'delete-ambiguous-refs': { type: 'boolean' },
  lfs: { type: 'string' },
  'source-lfs-url': { type: 'string' },
  'target-lfs-url': { type: 'string' },
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
 * Parses and checks, and reads the files that options name. Throws `invalid_arguments` and the codes of URLs, rules and files (`invalid_url`, `scp_style_url`, `unsupported_scheme`, `same_repository`,
 * `invalid_regex`, `regex_too_long`, `filters_exclusive`, `host_key_unknown`, `private_key_unusable`); messages never hold what may be a password.
 */
export async function parseArguments(args: readonly string[], settings: CommandSettings): Promise<Command> {
  const { values, positionals } = parsed(args);
  if (values.help === true || args.length === 0) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, sourceText, targetText, ...more] = positionals;
  if (command === undefined) throw invalid('A command is missing.');
  if (command === 'host-keys') return hostKeysCommand(positionals.slice(1), values, settings);
  if (command !== 'sync') throw invalid('The first argument is no command: there are sync and host-keys.');
  if (sourceText === undefined || targetText === undefined) throw invalid('sync takes two URLs: SOURCE and TARGET.');
  if (more.length > 0) throw invalid(`sync takes two URLs, not ${positionals.length - 1}.`);

  const source = endpoint(sourceText, 'SOURCE', settings.sourcePassword, 'GITFERRY_SOURCE_PASSWORD');
  const target = endpoint(targetText, 'TARGET', settings.targetPassword, 'GITFERRY_TARGET_PASSWORD');
  if (isSameRepository(source.url, target.url)) throw new GitferryError('same_repository', { detail: `Both are ${source.url.href}.` });
  const allowAddresses = addresses(values, settings);
  const knownHosts = values['known-hosts'] === undefined ? undefined : await readKnownHosts('--known-hosts', values['known-hosts']);
  return {
    kind: 'sync',
    source: await withSsh(source, 'SOURCE', '--source-ssh-key', values['source-ssh-key'], knownHosts),
    target: await withSsh(target, 'TARGET', '--target-ssh-key', values['target-ssh-key'], knownHosts),
    direction: direction(values),
    rules: await compileRules(rules(values)),
    lfs: lfs(values),
    lfsUrls: { source: lfsUrl('source-lfs-url', values), target: lfsUrl('target-lfs-url', values) },
    dryRun: values['dry-run'] ?? false,
    allowAddresses,
    timeoutSeconds: timeoutSeconds(values, defaultTimeoutSeconds),
    json: values.json ?? false,
  };
}

function parsed(args: readonly string[]): ReturnType<typeof parseStrictly> {
  try {
    return parseStrictly(args);
  } catch (cause) {
    // parseArgs' messages repeat what was typed, which could be a password.
    const [, option = '', name = ''] = /'(--?([^\s'=,]+))/.exec((cause as Error).message) ?? [];
    if (Object.hasOwn(options, name)) throw invalid(`--${name} lacks its value, or takes none.`);
    const place = option === '' ? 0 : args.findIndex((argument) => argument.startsWith(option)) + 1;
    throw invalid(place === 0 ? 'They cannot be read.' : `Argument ${place} is no option (see --help).`);
  }
}

function endpoint(text: string, field: string, password: string | undefined, variable: string): Omit<RemoteEndpoint, 'hostKeys'> {
  const { url, userInfo } = parseRepositoryUrl(text, field);
  if (password === undefined || password === '') return { url, credential: userInfo };
  if (userInfo !== undefined && userInfo.password !== '' && userInfo.password !== password) {
    throw invalid(`The password of ${field} is given twice, in the URL and in ${variable}, and they differ.`);
  }
  const credential = { username: userInfo?.username ?? '', password };
  const unsent = credentialFault(credential);
  if (unsent !== undefined)
    throw invalid(`The ${unsent.of === 'password' ? `value of ${variable}` : `user name of ${field}`} cannot be used: ${unsent.fault}.`);
  return { url, credential };
}

async function withSsh(
  end: Omit<RemoteEndpoint, 'hostKeys'>,
  field: string,
  option: string,
  keyFile: string | undefined,
  knownHosts: string | undefined,
): Promise<RemoteEndpoint> {
  const { url, credential } = end;
  if (keyFile !== undefined && url.scheme !== 'ssh') throw invalid(`${option} goes with ssh:// URLs, and ${field} is none.`);
  const privateKey = keyFile === undefined ? undefined : await readPrivateKey(option, keyFile);
  const hostKeys = hostKeysOf(url, field, knownHosts);
  if (privateKey === undefined) return { url, credential, hostKeys };
  return { url, credential: { username: credential?.username ?? '', password: credential?.password ?? '', privateKey }, hostKeys };
}

/** What `host-keys` takes of the options. */
const optionsOfHostKeys: ReadonlySet<string> = new Set(['allow-address', 'timeout', 'json', 'help', 'version']);

function hostKeysCommand([text, ...more]: readonly string[], values: Values, settings: CommandSettings): HostKeysCommand {
  if (text === undefined || more.length > 0) throw invalid('host-keys takes one HOST, HOST:PORT or ssh:// URL.');
  const stray = Object.keys(values).find((name) => !optionsOfHostKeys.has(name));
  if (stray !== undefined) throw invalid(`--${stray} is an option of sync.`);
  return {
    kind: 'host-keys',
    place: hostPlace(text),
    allowAddresses: addresses(values, settings),
    timeoutSeconds: timeoutSeconds(values, detectionSeconds),
    json: values.json ?? false,
  };
}

/** `host`, `host:port`, `[v6]:port`, an ssh:// URL or what people paste for one (`git@host:path`). */
function hostPlace(text: string): HostPlace {
  const isAddress = /^[0-9a-f:.]+$/i.test(text) && text.split(':').length > 2;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `ssh://${isAddress ? `[${text}]` : text}`;
  // What ends in digits has a port, good or bad.
  return parseHostPlace(URL.canParse(url) || /:\d*$/.test(text) ? url : (sshFormOfScp(text) ?? url), 'HOST');
}

function addresses(values: Values, settings: CommandSettings): readonly string[] {
  const all = [...(values['allow-address'] ?? []), ...(settings.allowAddresses ?? '').split(/[\s,]+/).filter(Boolean)];
  for (const cidr of all) parseCidr(cidr);
  return all;
}

/** A command remembers nothing of earlier runs: `on` looks at everything each time. */
function lfs({ lfs: mode = 'auto' }: Values): LfsInput | undefined {
  if (mode !== 'auto' && mode !== 'on' && mode !== 'off') throw invalid('--lfs takes auto, on or off.');
  return mode === 'off' ? undefined : { mode, everything: mode === 'on', failedBefore: [] };
}

function lfsUrl(option: 'source-lfs-url' | 'target-lfs-url', values: Values): RepositoryUrl | undefined {
  const text = values[option];
  return text === undefined ? undefined : parseLfsUrl(text, `--${option}`);
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
    deleteAmbiguousRefs: values['delete-ambiguous-refs'] ?? false,
    confirmDeletions: values['confirm-deletions'] ?? false,
  };
}

function timeoutSeconds({ timeout }: Values, otherwise: number): number {
  if (timeout === undefined) return otherwise;
  const seconds = Number(timeout);
  if (!/^\d+(\.\d+)?$/.test(timeout) || seconds <= 0 || seconds > longestTimeoutSeconds) {
    throw invalid(`--timeout takes a number of seconds above 0 and up to ${longestTimeoutSeconds}.`);
  }
  return seconds;
}

function invalid(detail: string): GitferryError {
  return new GitferryError('invalid_arguments', { detail });
}
