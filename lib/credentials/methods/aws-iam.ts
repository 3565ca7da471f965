/** `aws_iam`: CodeCommit over HTTPS, signed for each request as AWS's own git-remote-codecommit does; nothing is stored. */
import { codeCommitRepositoryOf } from '../../core/code-commit-url.ts';
import { GitferryError } from '../../core/errors.ts';
import { assumeRole } from '../aws/assume-role.ts';
import { type AwsCredentials, awsTime, signatureOf } from '../aws/sigv4.ts';
import type { Credential } from '../credential.ts';
import type { CredentialMethod } from '../method.ts';
import type { SignIn, SignInDeps, SignInRequest } from '../sign-in.ts';

export const awsIam: CredentialMethod = {
  word: 'AWS role',
  label: 'AWS role (CodeCommit)',
  hint: 'The role of the worker, or one that it assumes; no secret is stored.',
  schemes: ['https'],
  takesPassword: false,
  makesKeyPair: false,
  takesPrivateKey: false,
  fields: [
    {
      name: 'role_arn',
      label: 'Role to assume',
      hint: 'Empty: the role that gitferry runs as. For example arn:aws:iam::123456789012:role/mirror.',
      fault: (arn) => (/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/.test(arn) ? undefined : 'is no ARN of a role'),
    },
    {
      name: 'external_id',
      label: 'External id',
      hint: 'If the role asks for one.',
      fault: (id) => (/^[\w+=,.@:/-]{2,1224}$/.test(id) ? undefined : 'is no external id'),
    },
  ],
  fault: ({ role_arn: arn, external_id: id }) =>
    id !== undefined && arn === undefined ? { field: 'external_id', why: 'goes with role_arn' } : undefined,
  urlFault: (url) =>
    codeCommitRepositoryOf(url) === undefined
      ? 'is no repository of CodeCommit (https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME), and auth_method aws_iam goes with nothing else'
      : undefined,
  signIn: (request, deps) => signIn(request, deps),
};

const signIn: SignIn = async (request, deps) => codeCommitCredential(request.url, await credentialsOf(request, deps), deps.clock.now());

async function credentialsOf({ settings, url, credentialId }: SignInRequest, deps: SignInDeps): Promise<AwsCredentials> {
  const own = await deps.aws.credentials();
  if (own === undefined) throw new GitferryError('aws_credentials_missing');
  const { role_arn: arn, external_id: externalId } = settings;
  if (arn === undefined) return own;
  const region = codeCommitRepositoryOf(url)?.region ?? '';
  return deps.tokens.get(`aws_iam ${credentialId} ${arn} ${externalId ?? ''} ${region}`, {
    load: () => assumeRole({ arn, externalId, region }, own, deps),
  });
}

/** User and password for one request: they are taken for about 15 minutes. Throws `credential_not_for_url` for other URLs. */
export function codeCommitCredential(
  href: string,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  now: number,
): Credential {
  const region = codeCommitRepositoryOf(href)?.region;
  if (region === undefined)
    throw new GitferryError('credential_not_for_url', { detail: 'aws_iam goes with repositories of CodeCommit only.' });
  const { hostname, pathname } = new URL(href);
  const time = awsTime(now).replace('Z', '');
  const canonical = ['GIT', pathname, '', `host:${hostname}`, '', 'host', ''].join('\n');
  const signature = signatureOf(canonical, { region, service: 'codecommit', time }, secretAccessKey);
  return {
    username: sessionToken === undefined ? accessKeyId : `${accessKeyId}%${sessionToken}`,
    password: `${time}Z${signature}`,
    isUsernameSecret: true,
  };
}
