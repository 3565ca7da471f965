/** What Secrets Manager's calls do to a set of secrets, as pure functions: the next state and the answer, or an error in the service's own words. */
import { createHash, randomUUID } from 'node:crypto';

export interface SecretVersion {
  readonly id: string;
  /** One of the two is there; binary ones in base64. */
  readonly text?: string;
  readonly binary?: string;
}

export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly changedAt: number;
  /** Set while it waits for its deletion: since when, and until when. */
  readonly deletedAt?: number;
  readonly deletionAt?: number;
  readonly current?: SecretVersion;
  readonly previous?: SecretVersion;
}

export type SecretsState = Readonly<Record<string, Secret>>;
export type Input = Readonly<Record<string, unknown>>;
export interface Effect {
  readonly answer: object;
  /** Absent if nothing changed. */
  readonly next?: SecretsState;
}

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

type Operation = (state: SecretsState, input: Input, now: number) => Effect;

/** By name as in `X-Amz-Target`; they throw a SecretsFault. */
export const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['CreateSecret', createSecret],
  ['GetSecretValue', getSecretValue],
  ['PutSecretValue', putSecretValue],
  ['UpdateSecret', updateSecret],
  ['DeleteSecret', deleteSecret],
  ['RestoreSecret', restoreSecret],
  ['DescribeSecret', (state, input) => ({ answer: description(usable(state, input, { alsoDeleted: true })) })],
  ['ListSecrets', listSecrets],
  ['TagResource', tagResource],
]);

/** Without those whose time is up. */
export function withoutExpired(state: SecretsState, now: number): SecretsState {
  const kept = Object.entries(state).filter(([, { deletionAt }]) => deletionAt === undefined || deletionAt > now);
  return Object.fromEntries(kept);
}

function createSecret(state: SecretsState, input: Input, now: number): Effect {
  const name = input['Name'];
  if (typeof name !== 'string' || !namePattern.test(name)) {
    throw new SecretsFault(
      'ValidationException',
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    );
  }
  const version = versionOf(input);
  const existing = Object.hasOwn(state, name) ? state[name] : undefined;
  if (existing !== undefined) {
    if (existing.deletedAt !== undefined) {
      const message = "You can't create this secret because a secret with this name is already scheduled for deletion.";
      throw new SecretsFault('InvalidRequestException', message);
    }
    // A repeat after a lost answer.
    if (version !== undefined && isSame(existing.current, version)) return { answer: identity(existing, version.id) };
    throw new SecretsFault('ResourceExistsException', `The operation failed because the secret ${name} already exists.`);
  }
  const suffix = createHash('sha256')
    .update(randomUUID())
    .digest('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 6);
  const text = optionalText(input, 'Description');
  const secret: Secret = {
    name,
    arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${suffix}`,
    ...(text === undefined ? {} : { description: text }),
    tags: tagsOf(input),
    createdAt: now,
    changedAt: now,
    ...(version === undefined ? {} : { current: version }),
  };
  return { answer: identity(secret, version?.id), next: put(state, secret) };
}

function getSecretValue(state: SecretsState, input: Input): Effect {
  const secret = usable(state, input);
  const stage = optionalText(input, 'VersionStage') ?? 'AWSCURRENT';
  const id = optionalText(input, 'VersionId');
  const version = stages(secret).find(([name, { id: known }]) => (id === undefined ? name === stage : known === id))?.[1];
  if (version === undefined) {
    throw new SecretsFault(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for staging label: ${stage}`,
    );
  }
  return {
    answer: {
      ...identity(secret, version.id),
      VersionStages: stages(secret).flatMap(([name, { id: known }]) => (known === version.id ? [name] : [])),
      CreatedDate: secret.changedAt / 1000,
      ...(version.text === undefined ? { SecretBinary: version.binary } : { SecretString: version.text }),
    },
  };
}

function putSecretValue(state: SecretsState, input: Input, now: number): Effect {
  const secret = usable(state, input);
  const version = versionOf(input);
  if (version === undefined) throw new SecretsFault('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
  const answer = { ...identity(secret, version.id), VersionStages: ['AWSCURRENT'] };
  const known = stages(secret).find(([, { id }]) => id === version.id)?.[1];
  if (known !== undefined) {
    if (isSame(known, version)) return { answer };
    const message = `You can't modify an existing version, you can only create new versions: ${version.id}`;
    throw new SecretsFault('ResourceExistsException', message);
  }
  const former = secret.current === undefined ? {} : { previous: secret.current };
  return { answer, next: put(state, { ...secret, ...former, current: version, changedAt: now }) };
}

function updateSecret(state: SecretsState, input: Input, now: number): Effect {
  const text = optionalText(input, 'Description');
  const described = { ...usable(state, input), ...(text === undefined ? {} : { description: text }), changedAt: now };
  const next = put(state, described);
  if (versionOf(input) === undefined) return { answer: identity(described, undefined), next };
  const { answer, next: written = next } = putSecretValue(next, input, now);
  const { VersionStages: _stages, ...rest } = answer as Record<string, unknown>;
  return { answer: rest, next: written };
}

function deleteSecret(state: SecretsState, input: Input, now: number): Effect {
  const force = input['ForceDeleteWithoutRecovery'] === true;
  const days = input['RecoveryWindowInDays'];
  if (force && days !== undefined) {
    const message = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
    throw new SecretsFault('InvalidParameterException', message);
  }
  const window = days ?? 30;
  if (typeof window !== 'number' || !Number.isInteger(window) || window < 7 || window > 30) {
    throw new SecretsFault('InvalidParameterException', 'RecoveryWindowInDays value must be between 7 and 30 days (inclusive).');
  }
  const secret = usable(state, input, { alsoDeleted: force });
  const deletionAt = now + (force ? 0 : window * dayMs);
  const answer = { ARN: secret.arn, Name: secret.name, DeletionDate: deletionAt / 1000 };
  if (!force) return { answer, next: put(state, { ...secret, deletedAt: now, deletionAt }) };
  const { [secret.name]: _gone, ...rest } = state;
  return { answer, next: rest };
}

function restoreSecret(state: SecretsState, input: Input): Effect {
  const { deletedAt: _since, deletionAt: _until, ...secret } = usable(state, input, { alsoDeleted: true });
  return { answer: { ARN: secret.arn, Name: secret.name }, next: put(state, secret) };
}

function listSecrets(state: SecretsState, input: Input): Effect {
  const most = input['MaxResults'] ?? 100;
  if (typeof most !== 'number' || !Number.isInteger(most) || most < 1 || most > 100) {
    throw new SecretsFault('ValidationException', 'MaxResults must be between 1 and 100.');
  }
  const after = optionalText(input, 'NextToken') ?? '';
  const all = Object.values(state)
    .filter(({ name, deletedAt }) => name > after && (deletedAt === undefined || input['IncludePlannedDeletion'] === true))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const page = all.slice(0, most);
  return { answer: { SecretList: page.map(description), ...(all.length > most ? { NextToken: page.at(-1)?.name } : {}) } };
}

function tagResource(state: SecretsState, input: Input): Effect {
  const secret = usable(state, input);
  return { answer: {}, next: put(state, { ...secret, tags: { ...secret.tags, ...tagsOf(input) } }) };
}

/** By name, ARN, or ARN without its random end. */
function usable(state: SecretsState, input: Input, { alsoDeleted = false } = {}): Secret {
  const wanted = input['SecretId'];
  if (typeof wanted !== 'string' || wanted === '') throw new SecretsFault('ValidationException', 'SecretId is missing.');
  const isArn = wanted.startsWith('arn:');
  const found = isArn
    ? Object.values(state).find(({ arn }) => arn === wanted || arn.slice(0, -7) === wanted)
    : Object.hasOwn(state, wanted)
      ? state[wanted]
      : undefined;
  if (found === undefined) throw new SecretsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  if (found.deletedAt !== undefined && !alsoDeleted) {
    const message = "You can't perform this operation on the secret because it was marked for deletion.";
    throw new SecretsFault('InvalidRequestException', message);
  }
  return found;
}

function versionOf(input: Input): SecretVersion | undefined {
  const text = optionalText(input, 'SecretString');
  const binary = optionalText(input, 'SecretBinary');
  if (text === undefined && binary === undefined) return undefined;
  if (text !== undefined && binary !== undefined) {
    throw new SecretsFault(
      'InvalidParameterException',
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  const bytes = text === undefined ? Buffer.byteLength(binary ?? '', 'base64') : Buffer.byteLength(text);
  if (bytes < 1 || bytes > valueBytes) {
    throw new SecretsFault('ValidationException', `A secret's value must have between 1 and ${valueBytes} bytes.`);
  }
  const id = optionalText(input, 'ClientRequestToken') ?? randomUUID();
  return text === undefined ? { id, binary: binary ?? '' } : { id, text };
}

function isSame(known: SecretVersion | undefined, version: SecretVersion): boolean {
  return known?.id === version.id && known.text === version.text && known.binary === version.binary;
}

function optionalText(input: Input, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new SecretsFault('SerializationException', `${field} must be a string.`);
  return value;
}

function tagsOf({ Tags: tags }: Input): Record<string, string> {
  if (!Array.isArray(tags)) return {};
  return Object.fromEntries(tags.map((tag: { Key?: unknown; Value?: unknown }) => [String(tag.Key), String(tag.Value ?? '')]));
}

function put(state: SecretsState, secret: Secret): SecretsState {
  return { ...state, [secret.name]: secret };
}

function stages({ current, previous }: Secret): readonly (readonly [string, SecretVersion])[] {
  return [
    ...(current === undefined ? [] : [['AWSCURRENT', current] as const]),
    ...(previous === undefined ? [] : [['AWSPREVIOUS', previous] as const]),
  ];
}

function identity({ arn, name }: Secret, versionId: string | undefined): object {
  return { ARN: arn, Name: name, ...(versionId === undefined ? {} : { VersionId: versionId }) };
}

function description(secret: Secret): object {
  return {
    ...identity(secret, undefined),
    ...(secret.description === undefined ? {} : { Description: secret.description }),
    Tags: Object.entries(secret.tags).map(([Key, Value]) => ({ Key, Value })),
    CreatedDate: secret.createdAt / 1000,
    LastChangedDate: secret.changedAt / 1000,
    ...(secret.deletedAt === undefined ? {} : { DeletedDate: secret.deletedAt / 1000 }),
    VersionIdsToStages: Object.fromEntries(stages(secret).map(([stage, { id }]) => [id, [stage]])),
  };
}
