/** The only reader of the environment: turns variables into settings. */
import { getHeapStatistics } from 'node:v8';
import type { CommandSettings } from '../lib/cli/parse-arguments.ts';
import {
  type LocalSettings,
  type Needs,
  readLocalSettings,
  readServiceSettings,
  type ServiceSettings,
} from '../lib/core/service-settings.ts';
import type { AwsCredentials } from '../lib/credentials/aws/sigv4.ts';
import type { AwsIdentity } from '../lib/credentials/sign-in.ts';
import { isCidr } from '../lib/net/address-guard.ts';

const MiB = 1024 * 1024;

export function commandSettings(): CommandSettings {
  return {
    allowAddresses: process.env['GITFERRY_ALLOW_ADDRESSES'],
    sourcePassword: process.env['GITFERRY_SOURCE_PASSWORD'],
    targetPassword: process.env['GITFERRY_TARGET_PASSWORD'],
  };
}

/** For a function of the service. */
export function serviceSettings(needs: Needs): ServiceSettings {
  return readServiceSettings(process.env, needs, isCidr);
}

/** For `npm start`. */
export function localSettings(): LocalSettings {
  return readLocalSettings(process.env, isCidr);
}

/** For `npm run demo`: a free port, a temporary folder, and servers on this machine. */
export function demoSettings(dataFolder: string): LocalSettings {
  return readLocalSettings(
    { PORT: '0', GITFERRY_DATA_DIR: dataFolder, GITFERRY_ALLOW_ADDRESSES: '127.0.0.1/32', GITFERRY_LOG_LEVEL: 'error' },
    isCidr,
  );
}

/** Of this function, in MiB; undefined where no Lambda says so. */
export function functionMemoryMiB(): number | undefined {
  const size = Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? '');
  return Number.isInteger(size) && size > 0 ? size : undefined;
}

/**
 * What the ref lists of the service's runs may count on, in MiB: the function's memory; without Lambda, where up to 24 runs and all else share this process,
 * half of what its heap may grow to.
 */
export function serviceMemoryMiB(): number {
  return functionMemoryMiB() ?? getHeapStatistics().heap_size_limit / 2 / MiB;
}

/** Where the service's log goes: on Lambda standard output is the log; elsewhere it is for results. */
export function logSink(): (line: string) => void {
  const stream = process.env['AWS_LAMBDA_FUNCTION_NAME'] === undefined ? process.stderr : process.stdout;
  return (line) => void stream.write(line);
}

/** Whether the SDK has been pointed at other endpoints than AWS's own or a default. */
export function hasAwsEndpoints(): boolean {
  return ['', '_DYNAMODB', '_SQS', '_SECRETS_MANAGER'].some((suffix) => (process.env[`AWS_ENDPOINT_URL${suffix}`] ?? '') !== '');
}

/** The AWS credentials and region that the process was started with: `npm start` asks its own endpoints with others, and these sign in to CodeCommit. undefined = none in variables. */
export function startedWithAws(): { readonly credentials: AwsCredentials | undefined; readonly region: string | undefined } {
  const accessKeyId = process.env['AWS_ACCESS_KEY_ID'] ?? '';
  const secretAccessKey = process.env['AWS_SECRET_ACCESS_KEY'] ?? '';
  const sessionToken = process.env['AWS_SESSION_TOKEN'];
  const region = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  const isThere = accessKeyId !== '' && secretAccessKey !== '';
  return { credentials: isThere ? { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined } : undefined, region };
}

/** Where STS and KMS are asked instead of at AWS. */
export function awsEndpoints(): AwsIdentity['endpoints'] {
  const endpoint = (service: string): string | undefined =>
    process.env[`AWS_ENDPOINT_URL_${service}`] || process.env['AWS_ENDPOINT_URL'] || undefined;
  return { kms: endpoint('KMS'), sts: endpoint('STS') };
}

/** The SDK asks for a newer Node at every start, and takes only this variable for an answer. */
export function silenceSdkWarning(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
}

/**
 * The environment in which the demo runs git: this one, with `gitConfig`, a file of the demo's, for the person's own git configuration. Not with /dev/null:
 * git writes a configuration by renaming a new file over it, which root may do even there.
 */
export function demoEnvironment(gitConfig: string): NodeJS.ProcessEnv {
  const who = {
    GIT_AUTHOR_NAME: 'Demo',
    GIT_AUTHOR_EMAIL: 'demo@example.org',
    GIT_COMMITTER_NAME: 'Demo',
    GIT_COMMITTER_EMAIL: 'demo@example.org',
  };
  return { ...process.env, ...who, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: gitConfig, GIT_TERMINAL_PROMPT: '0' };
}
