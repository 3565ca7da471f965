/** STS AssumeRole, in the query form of its API (version 2011-06-15): credentials of another role for an hour. */
import { GitferryError } from '../../core/errors.ts';
import { ask } from '../ask.ts';
import type { SignInDeps } from '../sign-in.ts';
import type { TemporaryValue } from '../token-cache.ts';
import { type AwsCredentials, awsTime, signedHeaders } from './sigv4.ts';

export interface AssumedRole {
  readonly arn: string;
  readonly externalId: string | undefined;
  readonly region: string;
}

/** Throws `role_not_assumed` where STS refuses, with its error code and never its whole answer. */
export async function assumeRole(
  { arn, externalId, region }: AssumedRole,
  own: AwsCredentials,
  deps: SignInDeps,
): Promise<TemporaryValue<AwsCredentials>> {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL(deps.aws.endpoints.sts ?? `https://sts.${region}.${suffix}/`);
  const body = new URLSearchParams({
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: arn,
    RoleSessionName: 'gitferry',
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const scope = { region, service: 'sts', time: awsTime(deps.clock.now()) };
  const signed = signedHeaders({ url, headers, body }, scope, own);
  const { status, text } = await ask({ method: 'POST', url, headers: signed, body, secrets: secretsOf(own) }, deps);
  const [accessKeyId, secretAccessKey, sessionToken] = [
    element(text, 'AccessKeyId'),
    element(text, 'SecretAccessKey'),
    element(text, 'SessionToken'),
  ];
  const expiresAt = Date.parse(element(text, 'Expiration') ?? '');
  if (status === 200 && accessKeyId && secretAccessKey && sessionToken && !Number.isNaN(expiresAt))
    return { value: { accessKeyId, secretAccessKey, sessionToken }, expiresAt };
  const code = /^[A-Za-z.]{1,60}$/.exec(element(text, 'Code') ?? '')?.[0];
  throw new GitferryError(code === 'RequestExpired' || code === 'SignatureDoesNotMatch' ? 'clock_wrong' : 'role_not_assumed', {
    detail: `${arn}: STS answered ${status}${code === undefined ? '' : ` ${code}`}.`,
  });
}

function secretsOf({ secretAccessKey, sessionToken }: AwsCredentials): readonly string[] {
  return [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])];
}

/** The text of the first element of this name; none of those asked for holds others, or what is escaped. */
function element(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  const end = start < 0 ? -1 : xml.indexOf('<', start + name.length + 2);
  return end < 0 ? undefined : xml.slice(start + name.length + 2, end).trim();
}
