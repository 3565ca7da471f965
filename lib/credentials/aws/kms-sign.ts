/** KMS Sign with an RSA key, in the JSON form of its API: the key never leaves KMS. */
import { GitferryError } from '../../core/errors.ts';
import { ask } from '../ask.ts';
import type { SignInDeps } from '../sign-in.ts';
import { awsTime, signedHeaders } from './sigv4.ts';

/** RSASSA-PKCS1-v1_5 with SHA-256 (RS256). Throws `kms_denied` with KMS's error code, `aws_credentials_missing`. */
export async function kmsSign(keyId: string, message: string, deps: SignInDeps): Promise<Buffer> {
  const own = await deps.aws.credentials();
  const region = /^arn:[^:]*:kms:([^:]+):/.exec(keyId)?.[1] ?? (await deps.aws.region());
  if (own === undefined || region === undefined) throw new GitferryError('aws_credentials_missing');
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL(deps.aws.endpoints.kms ?? `https://kms.${region}.${suffix}/`);
  const input = { KeyId: keyId, Message: Buffer.from(message).toString('base64'), MessageType: 'RAW' };
  const body = JSON.stringify({ ...input, SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256' });
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Sign' };
  const scope = { region, service: 'kms', time: awsTime(deps.clock.now()) };
  const secrets = [own.secretAccessKey, ...(own.sessionToken === undefined ? [] : [own.sessionToken])];
  const { status, json } = await ask(
    { method: 'POST', url, headers: signedHeaders({ url, headers, body }, scope, own), body, secrets },
    deps,
  );
  const signature = json?.['Signature'];
  if (status === 200 && typeof signature === 'string') return Buffer.from(signature, 'base64');
  const code = /([A-Za-z]{1,60})$/.exec(String(json?.['__type'] ?? ''))?.[1] ?? '';
  throw new GitferryError('kms_denied', { detail: `KMS answered ${status}${code === '' ? '' : ` ${code}`}.` });
}
