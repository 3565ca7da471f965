/** CodeCommit's Git server as far as it signs in: over TLS under its own name, with signatures verified by the AWS SDK's signer. */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentials } from '../../lib/credentials/aws/sigv4.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient, type HttpClient } from '../../lib/net/http-client.ts';
import { type GitHttpServer, startGitHttpServer } from './git-http-server.ts';
import { certificates } from './tls.ts';

const region = 'eu-west-1';
const host = `git-codecommit.${region}.amazonaws.com`;

/** In the form that the SDK's signer wants. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(data as string);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

export function sdkSigner(credentials: AwsCredentials, service: string): SignatureV4 {
  return new SignatureV4({ credentials: credentials as never, region, service, sha256: Sha256 as never });
}

/** The password that CodeCommit expects for a path at a time (`20261201T120000Z`), made by the SDK. */
export async function expectedPassword(credentials: AwsCredentials, path: string, time: string): Promise<string> {
  const bare = time.replace('Z', '');
  const canonical = createHash('sha256').update(`GIT\n${path}\n\nhost:${host}\n\nhost\n`).digest('hex');
  const toSign = `AWS4-HMAC-SHA256\n${bare}\n${bare.slice(0, 8)}/${region}/codecommit/aws4_request\n${canonical}`;
  const signingDate = new Date(time.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6'));
  return `${time}${await sdkSigner(credentials, 'codecommit').sign(toSign, { signingDate, signingRegion: region, signingService: 'codecommit' })}`;
}

export interface CodeCommitServer {
  readonly git: GitHttpServer;
  /** Trusts the server, and finds it under CodeCommit's name. */
  readonly http: HttpClient;
  /** User and password of each request. */
  readonly signIns: readonly { readonly username: string; readonly password: string }[];
  url(repository: string): string;
}

/** `now`: what the server's clock says; signatures live for 15 minutes. Repositories are in `root`/v1/repos/. */
export async function startCodeCommitServer({
  root,
  accepts,
  now,
}: {
  readonly root: string;
  accepts(): AwsCredentials;
  now(): number;
}): Promise<CodeCommitServer> {
  const signIns: { username: string; password: string }[] = [];
  const git = await startGitHttpServer({
    root,
    tls: certificates.codeCommit,
    async intercept({ request, response }) {
      const sent = Buffer.from(String(request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
      const [username = '', password = ''] = sent.split(/:(.*)/s);
      signIns.push({ username, password });
      const credentials = accepts();
      const user =
        credentials.sessionToken === undefined ? credentials.accessKeyId : `${credentials.accessKeyId}%${credentials.sessionToken}`;
      const time = password.slice(0, 16);
      const path = String(request.url).replace(/\/(info\/refs|git-upload-pack|git-receive-pack)(\?.*)?$/, '');
      const at = Date.parse(time.replace(/(....)(..)(..)T(..)(..)(..)/, '$1-$2-$3T$4:$5:$6'));
      const isFresh = Math.abs(now() - at) < 15 * 60_000;
      if (username === user && isFresh && password === (await expectedPassword(credentials, path, time))) return false;
      response.writeHead(403).end();
      return true;
    },
  });
  const guard = createAddressGuard(['127.0.0.0/8'], (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]));
  return {
    git,
    http: createHttpClient(guard, { authorities: certificates.codeCommit.cert }),
    signIns,
    url: (repository) => `https://${host}:${git.port}/v1/repos/${repository}`,
  };
}
