import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { awsTime } from '../../../lib/credentials/aws/sigv4.ts';
import { awsIam, codeCommitCredential } from '../../../lib/credentials/methods/aws-iam.ts';
import type { SignInDeps } from '../../../lib/credentials/sign-in.ts';
import { codeOf } from '../../support/byte-streams.ts';
import { expectedPassword, sdkSigner } from '../../support/code-commit-server.ts';
import { signInMeans } from '../../support/sign-in-means.ts';

const url = 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app';
const own = { accessKeyId: 'AKIAOWNROLEEXAMPLE00', secretAccessKey: 'own/secret+key', sessionToken: 'own-session-token' };
const now = Date.parse('2026-12-01T12:00:00Z');
const clock = { now: () => now, random: () => 0 };

describe('user and password for CodeCommit', () => {
  it("are those that AWS's signer makes, for any key, path and time", async () => {
    const path = fc.stringMatching(/^[\w.-]{1,60}$/);
    const key = fc.stringMatching(/^[\w+/]{20,60}$/);
    const instant = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2040-01-01') });
    await fc.assert(
      fc.asyncProperty(path, key, instant, async (name, secretAccessKey, at) => {
        const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey };
        const { pathname, href } = new URL(`https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/${name}`);
        fc.pre(pathname === `/v1/repos/${name}`);
        const { username, password } = codeCommitCredential(href, credentials, at);
        expect(username).toBe('AKIAEXAMPLE');
        expect(password).toBe(await expectedPassword(credentials, pathname, awsTime(at)));
      }),
      { numRuns: 50 },
    );
  });

  it('name the session token, and say that it is secret', () => {
    const { username, isUsernameSecret } = codeCommitCredential(url, own, now);
    expect([username, isUsernameSecret]).toEqual(['AKIAOWNROLEEXAMPLE00%own-session-token', true]);
  });

  it.each([
    'https://github.com/acme/app',
    'https://git-codecommit.eu-west-1.amazonaws.com.example.org/v1/repos/app',
    'https://git-codecommit.eu-west-1.amazonaws.com/app',
    'https://example.org/git-codecommit.eu-west-1.amazonaws.com/v1/repos/app',
  ])('are not made for %s', async (elsewhere) => {
    expect(awsIam.urlFault?.(elsewhere)).toMatch(/no repository of CodeCommit/);
    expect(await codeOf(signIn({}, { aws: own }, elsewhere))).toBe('credential_not_for_url');
  });
});

function deps(given: Partial<Parameters<typeof signInMeans>[0]>): SignInDeps {
  return { ...signInMeans({ clock, ...given }), signal: AbortSignal.timeout(30_000) };
}

async function signIn(settings: Record<string, string>, given: Partial<Parameters<typeof signInMeans>[0]>, at = url, means = deps(given)) {
  return awsIam.signIn!(
    { credentialId: 1, settings, secret: undefined, url: at, writes: false, expiresAt: null, renewingSince: null },
    means,
  );
}

const role = { role_arn: 'arn:aws:iam::123456789012:role/mirror', external_id: 'ext-7' };
const assumed = { accessKeyId: 'ASIAASSUMEDEXAMPLE00', secretAccessKey: 'assumed/secret', sessionToken: 'assumed-session-token' };

/** Answers AssumeRole as STS does, if the SDK's signer agrees with the signature and the role may be assumed. */
async function startSts(answer: { readonly status?: number; readonly code?: string; readonly livesMs?: number } = {}) {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push(new URLSearchParams(body));
    const { host = '', authorization, 'content-type': contentType = '', 'x-amz-security-token': token } = request.headers;
    const headers = { host, 'content-type': contentType, 'x-amz-security-token': String(token) };
    const date = String(request.headers['x-amz-date']);
    const signingDate = new Date(date.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6'));
    const { sessionToken: _, ...plain } = own;
    const expected = await sdkSigner(plain, 'sts').sign(
      { method: 'POST', protocol: 'http:', hostname: host, path: '/', query: {}, headers, body } as never,
      { signingDate, unsignableHeaders: new Set(['x-amz-content-sha256']) },
    );
    const refusal = expected.headers['authorization'] === authorization ? answer.code : 'SignatureDoesNotMatch';
    if (refusal !== undefined) {
      response.writeHead(answer.status ?? 403, { 'content-type': 'text/xml' });
      response.end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${refusal}</Code><Message>${authorization} ${body}</Message></Error></ErrorResponse>`,
      );
      return;
    }
    const expiration = new Date(now + (answer.livesMs ?? 3_600_000)).toISOString();
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(
      `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>${assumed.accessKeyId}</AccessKeyId><SecretAccessKey>${assumed.secretAccessKey}</SecretAccessKey><SessionToken>${assumed.sessionToken}</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { asked, endpoints: { sts: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` } };
}

describe('a role', () => {
  it('is assumed with its external id, once as long as its credentials last', async () => {
    const { asked, endpoints } = await startSts();
    const means = deps({ aws: own, endpoints });
    const first = await signIn(role, {}, url, means);
    expect(first).toEqual(codeCommitCredential(url, assumed, now));
    await Promise.all([1, 2, 3].map(() => signIn(role, {}, url, means)));
    expect(asked.map((body) => Object.fromEntries(body))).toEqual([
      { Action: 'AssumeRole', Version: '2011-06-15', RoleArn: role.role_arn, RoleSessionName: 'gitferry', ExternalId: 'ext-7' },
    ]);
  });

  it('is assumed again when its credentials are about to end', async () => {
    const { asked, endpoints } = await startSts({ livesMs: 60_000 });
    const means = deps({ aws: own, endpoints });
    await signIn(role, {}, url, means);
    await signIn(role, {}, url, means);
    expect(asked.length).toBe(2);
  });

  it.each([
    ['AccessDenied', 'role_not_assumed'],
    ['RequestExpired', 'clock_wrong'],
  ])('that STS refuses with %s is %s, and no message holds a secret', async (code, expected) => {
    const { endpoints } = await startSts({ code });
    const error = await signIn(role, { aws: own, endpoints }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: expected });
    expect(JSON.stringify([(error as Error).message, error])).not.toMatch(/own-session-token|own\/secret|Signature=/);
  });

  it('needs credentials of ours first', async () => {
    expect(await codeOf(signIn({}, { aws: undefined }))).toBe('aws_credentials_missing');
  });
});
