/** The settings of the service: read once from the environment, all problems told together by name, values never echoed. */
import { GitferryError } from './errors.ts';
import { type LogLevel, logLevels } from './log.ts';

/** Every variable of our own, in the order of docs/configuration.md (a test holds the two equal). */
export const settingNames = [
  'GITFERRY_TABLE',
  'GITFERRY_QUEUE_URL',
  'GITFERRY_NOTIFY_QUEUE_URL',
  'GITFERRY_SECRET_PREFIX',
  'GITFERRY_ALLOW_ADDRESSES',
  'GITFERRY_PUBLIC_URL',
  'GITFERRY_OWNER_TOKEN_SECRET',
  'GITFERRY_SSO_SECRET',
  'GITFERRY_SSO_FILE',
  'GITFERRY_AUDIT_DAYS',
  'GITFERRY_WORKERS',
  'GITFERRY_LOG_LEVEL',
  'PORT',
  'GITFERRY_DATA_DIR',
  'GITFERRY_ADMIN_TOKEN',
] as const;
export type SettingName = (typeof settingNames)[number];
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceSettings {
  readonly table: string;
  readonly queueUrl: string;
  /** undefined = notices wait in the table, and nobody is told. */
  readonly notifyQueueUrl: string | undefined;
  readonly secretPrefix: string;
  /** CIDRs beyond the public addresses that mirrors may be at; their form is checked by the address guard. */
  readonly allowAddresses: readonly string[];
  /** Where people and Git hosts reach this instance: an origin, without a slash at its end. */
  readonly publicUrl: string;
  /** Name or ARN of the secret with the deployment's own owner token; undefined = there is none. */
  readonly ownerTokenSecret: string | undefined;
  /** Name or ARN of the secret with the identity providers; undefined = there are none. */
  readonly ssoSecret: string | undefined;
  /** A file with the same, instead of the secret. */
  readonly ssoFile: string | undefined;
  /** How long the audit trail is kept. */
  readonly auditDays: number;
  /** Runs at once, on all workers together. */
  readonly workers: number;
  readonly logLevel: LogLevel;
}

export interface LocalSettings extends Omit<ServiceSettings, 'queueUrl' | 'publicUrl'> {
  /** undefined = a queue made on the spot, the address it listens on. */
  readonly queueUrl: string | undefined;
  readonly publicUrl: string | undefined;
  /** 0 = any free one. */
  readonly port: number;
  readonly dataFolder: string;
  /** undefined = made once and kept in the data folder. */
  readonly adminToken: string | undefined;
}

/** Which of our variables a function needs; the others may be missing. */
export interface Needs {
  readonly queue: boolean;
  readonly publicUrl: boolean;
}

/** For a Lambda function. `isCidr` is the address guard's. Throws `invalid_settings` naming every problem. */
export function readServiceSettings(environment: Environment, needs: Needs, isCidr: (text: string) => boolean): ServiceSettings {
  const reader = new Reader(environment, isCidr);
  const settings = {
    ...shared(reader, undefined),
    queueUrl: needs.queue ? reader.required('GITFERRY_QUEUE_URL', url) : '',
    publicUrl: needs.publicUrl ? reader.required('GITFERRY_PUBLIC_URL', origin) : '',
  };
  reader.finish();
  return settings;
}

/** For the service on one machine, where everything has a default. Throws `invalid_settings` naming every problem. */
export function readLocalSettings(environment: Environment, isCidr: (text: string) => boolean): LocalSettings {
  const reader = new Reader(environment, isCidr);
  const settings = {
    ...shared(reader, 'gitferry'),
    queueUrl: reader.optional('GITFERRY_QUEUE_URL', url),
    publicUrl: reader.optional('GITFERRY_PUBLIC_URL', origin),
    port: reader.optional('PORT', port) ?? 8787,
    dataFolder: reader.optional('GITFERRY_DATA_DIR', text) ?? '.gitferry',
    adminToken: reader.optional('GITFERRY_ADMIN_TOKEN', token),
  };
  reader.finish();
  return settings;
}

/** A year: what most rules for audits ask for. */
export const defaultAuditDays = 365;

/** Of `npm start`, and of a deployment with defaults. */
const defaultWorkers = 24;

function shared(reader: Reader, table: string | undefined): Omit<ServiceSettings, 'queueUrl' | 'publicUrl'> {
  return {
    table: table === undefined ? reader.required('GITFERRY_TABLE', tableName) : (reader.optional('GITFERRY_TABLE', tableName) ?? table),
    notifyQueueUrl: reader.optional('GITFERRY_NOTIFY_QUEUE_URL', url),
    secretPrefix: reader.optional('GITFERRY_SECRET_PREFIX', secretPrefix) ?? 'gitferry/',
    allowAddresses: reader.optional('GITFERRY_ALLOW_ADDRESSES', (value) => reader.cidrs(value)) ?? [],
    auditDays: reader.optional('GITFERRY_AUDIT_DAYS', auditDays) ?? defaultAuditDays,
    workers: reader.optional('GITFERRY_WORKERS', workers) ?? defaultWorkers,
    ownerTokenSecret: reader.optional('GITFERRY_OWNER_TOKEN_SECRET', secretId),
    ssoSecret: reader.optional('GITFERRY_SSO_SECRET', secretId),
    ssoFile: reader.optional('GITFERRY_SSO_FILE', text),
    logLevel: reader.optional('GITFERRY_LOG_LEVEL', level) ?? 'info',
  };
}

/** Turns a text into a value, or says what it must be (never what it is). */
type Parse<T> = (value: string) => T | { readonly mustBe: string };

class Reader {
  readonly #environment: Environment;
  readonly #isCidr: (text: string) => boolean;
  readonly #problems: string[] = [];

  constructor(environment: Environment, isCidr: (text: string) => boolean) {
    this.#environment = environment;
    this.#isCidr = isCidr;
  }

  cidrs(value: string): readonly string[] | { readonly mustBe: string } {
    const ranges = value.split(/[\s,]+/).filter(Boolean);
    return ranges.every(this.#isCidr) ? ranges : { mustBe: 'address ranges such as 10.0.0.0/8 or fd00::/8, separated by commas or spaces' };
  }

  /** An empty value counts as none. */
  optional<T extends string | number | readonly string[]>(name: SettingName, parse: Parse<T>): T | undefined {
    const value = this.#environment[name];
    if (value === undefined || value === '') return undefined;
    const parsed = parse(value);
    if (typeof parsed === 'object' && 'mustBe' in parsed) {
      this.#problems.push(`${name} must be ${parsed.mustBe}`);
      return undefined;
    }
    return parsed;
  }

  required(name: SettingName, parse: Parse<string>): string {
    const value = this.optional(name, parse);
    if (value === undefined && !this.#problems.some((problem) => problem.startsWith(`${name} `))) this.#problems.push(`${name} is not set`);
    return value ?? '';
  }

  finish(): void {
    if (this.#problems.length > 0) throw new GitferryError('invalid_settings', { detail: `${this.#problems.join('; ')}.` });
  }
}

const text: Parse<string> = (value) => value;
const tableName: Parse<string> = (value) =>
  /^[A-Za-z0-9_.-]{3,255}$/.test(value) ? value : { mustBe: 'a DynamoDB table name (3 to 255 letters, digits, _ . -)' };
const secretPrefix: Parse<string> = (value) =>
  /^[A-Za-z0-9/_+=.@-]{1,200}$/.test(value) ? value : { mustBe: 'the beginning of a Secrets Manager name (letters, digits, /_+=.@-)' };
const secretId: Parse<string> = (value) =>
  /^[A-Za-z0-9/_+=.@:-]{1,2048}$/.test(value) ? value : { mustBe: 'the name or ARN of a secret in Secrets Manager' };
const level: Parse<LogLevel> = (value) =>
  logLevels.find((known) => known === value.toLowerCase()) ?? { mustBe: `one of ${logLevels.join(', ')}` };
const port: Parse<number> = (value) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65535 ? Number(value) : { mustBe: 'a port from 0 (any free one) to 65535' };
const workers: Parse<number> = (value) =>
  /^\d{1,5}$/.test(value) && Number(value) > 0 ? Number(value) : { mustBe: 'a whole number from 1 to 99999' };
const auditDays: Parse<number> = (value) =>
  /^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= 3650 ? Number(value) : { mustBe: 'a number of days from 1 to 3650' };
/** With 16 characters even of letters alone, guessing is hopeless at any speed that the service answers at. */
const token: Parse<string> = (value) =>
  /^[\x21-\x7e]{16,255}$/.test(value) ? value : { mustBe: '16 to 255 printable characters without spaces' };

// Not parsed: the host in the URL of an emulator's queue need not be a valid one (sqs.us-east-1.127.0.0.1).
const url: Parse<string> = (value) => (/^https?:\/\/[^\s/]+\/\S+$/.test(value) ? value : { mustBe: 'an http:// or https:// URL' });

const origin: Parse<string> = (value) => {
  const parsed = parsedUrl(value);
  const isOrigin = parsed !== undefined && parsed.pathname === '/' && parsed.search === '' && parsed.hash === '' && parsed.username === '';
  return isOrigin ? parsed.origin : { mustBe: 'an http:// or https:// URL without a path, such as https://gitferry.example.org' };
};

function parsedUrl(value: string): URL | undefined {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) ? parsed : undefined;
}
