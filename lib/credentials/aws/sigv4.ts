/** AWS Signature Version 4, as far as CodeCommit, STS and KMS need it ("Create a signed AWS API request" in AWS's documentation). */
import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
  /** `YYYYMMDDTHHMMSS`, with or without a Z at its end. */
  readonly time: string;
}

/** `20261201T143000Z` */
export function awsTime(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Hexadecimal. `canonicalRequest` in the service's own form. */
export function signatureOf(canonicalRequest: string, { region, service, time }: SigningScope, secretAccessKey: string): string {
  const date = time.slice(0, 8);
  const toSign = ['AWS4-HMAC-SHA256', time, scopeOf({ region, service, time }), sha256(canonicalRequest)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (before, part) => hmac(before, part),
    `AWS4${secretAccessKey}`,
  );
  return hmac(key, toSign).toString('hex');
}

/** The headers of a signed POST to the root of `url`, those of `headers` (names in lower case) among them. */
export function signedHeaders(
  { url, headers, body }: { readonly url: URL; readonly headers: Readonly<Record<string, string>>; readonly body: string },
  scope: SigningScope,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
): Record<string, string> {
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': scope.time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(all).sort();
  const signed = names.join(';');
  const canonical = ['POST', url.pathname, '', ...names.map((name) => `${name}:${all[name]}`), '', signed, sha256(body)].join('\n');
  const signature = signatureOf(canonical, scope, secretAccessKey);
  const { host: _, ...sent } = all;
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scopeOf(scope)}, SignedHeaders=${signed}, Signature=${signature}`;
  return { ...sent, authorization };
}

function scopeOf({ region, service, time }: SigningScope): string {
  return [time.slice(0, 8), region, service, 'aws4_request'].join('/');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
