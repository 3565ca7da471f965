/** What the four calls that the service makes of Secrets Manager do to a set of secrets: pure functions that give the next state and the response. */
import { randomBytes, randomUUID } from 'node:crypto';

export interface SecretVersion {
  readonly id: string;
  readonly text: string;
}

export interface Secret {
  readonly name: string;
  readonly arn: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly changedAt: number;
  /** Set while it waits for its deletion: until then its name is taken and its value cannot be read. */
  readonly deletionAt?: number;
  readonly current: SecretVersion;
}

export type SecretsState = Readonly<Record<string, Secret>>;
export type Input = Readonly<Record<string, unknown>>;
export interface Effect {
  readonly answer: object;
  /** Absent if nothing changed. */
  readonly next?: SecretsState;
}

/** An error in the service's own words; `type` is its name. */
export class SecretsFault extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Secrets Manager's own limit on a value. */
const valueBytes = 65_536;
const dayMs = 86_400_000;
const namePattern = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

type SecretsCall = (state: SecretsState, input: Input, now: number) => Effect;

/** By name as in `X-Amz-Target`; they throw a SecretsFault. */
export const operations: ReadonlyMap<string, SecretsCall> = new Map<string, SecretsCall>([
  ['CreateSecret', createSecret],
  ['GetSecretValue', getSecretValue],
  ['PutSecretValue', putSecretValue],
  ['DeleteSecret', deleteSecret],
]);

/** Without those whose time is up. */
export function withoutExpired(state: SecretsState, now: number): SecretsState {
  const kept = Object.entries(state).filter(([, { deletionAt }]) => deletionAt === undefined || deletionAt > now);
  return Object.fromEntries(kept);
}

function createSecret(state: SecretsState, input: Input, now: number): Effect {
  const name = textOf(input, 'Name');
  if (!namePattern.test(name)) throw new SecretsFault('ValidationException', 'Invalid name.');
  const current = versionOf(input);
  const existing = Object.hasOwn(state, name) ? state[name] : undefined;
  if (existing?.deletionAt !== undefined) {
    const message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
    throw new SecretsFault('InvalidRequestException', message);
  }
  if (existing !== undefined) {
    // The SDK sends a call again whose response was lost.
    if (isSame(existing.current, current)) return { answer: identity(existing) };
    throw new SecretsFault('ResourceExistsException', `The operation failed because the secret ${name} already exists.`);
  }
  const arn = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${randomBytes(3).toString('hex')}`;
  const secret: Secret = { name, arn, createdAt: now, changedAt: now, current };
  return { answer: identity(secret), next: { ...state, [name]: secret } };
}

function getSecretValue(state: SecretsState, input: Input): Effect {
  const secret = usable(state, input);
  return {
    answer: {
      ...identity(secret),
      VersionStages: ['AWSCURRENT'],
      CreatedDate: secret.changedAt / 1000,
      SecretString: secret.current.text,
    },
  };
}

function putSecretValue(state: SecretsState, input: Input, now: number): Effect {
  const secret = usable(state, input);
  const current = versionOf(input);
  if (secret.current.id === current.id && !isSame(secret.current, current)) {
    const message = `You can't modify an existing version, you can only create new versions: ${current.id}`;
    throw new SecretsFault('ResourceExistsException', message);
  }
  const written = { ...secret, current, changedAt: now };
  return { answer: { ...identity(written), VersionStages: ['AWSCURRENT'] }, next: { ...state, [secret.name]: written } };
}

function deleteSecret(state: SecretsState, input: Input, now: number): Effect {
  const days = input['RecoveryWindowInDays'] ?? 30;
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 7 || days > 30) {
    throw new SecretsFault('InvalidParameterException', 'RecoveryWindowInDays value must be between 7 and 30 days (inclusive).');
  }
  const secret = usable(state, input);
  const deletionAt = now + days * dayMs;
  const answer = { ARN: secret.arn, Name: secret.name, DeletionDate: deletionAt / 1000 };
  return { answer, next: { ...state, [secret.name]: { ...secret, deletionAt } } };
}

/** The secret of that name, unless it waits for its deletion. */
function usable(state: SecretsState, input: Input): Secret {
  const name = textOf(input, 'SecretId');
  const found = Object.hasOwn(state, name) ? state[name] : undefined;
  if (found === undefined) throw new SecretsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  if (found.deletionAt !== undefined) {
    const message = "You can't perform this operation on the secret because it was marked for deletion.";
    throw new SecretsFault('InvalidRequestException', message);
  }
  return found;
}

function versionOf(input: Input): SecretVersion {
  const text = textOf(input, 'SecretString');
  const bytes = Buffer.byteLength(text);
  if (bytes > valueBytes) throw new SecretsFault('ValidationException', `A secret's value must have between 1 and ${valueBytes} bytes.`);
  return { id: input['ClientRequestToken'] === undefined ? randomUUID() : textOf(input, 'ClientRequestToken'), text };
}

function isSame(known: SecretVersion, version: SecretVersion): boolean {
  return known.id === version.id && known.text === version.text;
}

function textOf(input: Input, field: string): string {
  const value = input[field];
  if (typeof value !== 'string' || value === '') throw new SecretsFault('ValidationException', `${field} must be a text.`);
  return value;
}

function identity({ arn, name, current }: Secret): object {
  return { ARN: arn, Name: name, VersionId: current.id };
}
