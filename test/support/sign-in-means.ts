/** What makes credentials of machines, for tests: a client that may reach loopback, and AWS credentials of the test's own. */

import type { Clock } from '../../lib/core/clock.ts';
import type { AwsCredentials } from '../../lib/credentials/aws/sigv4.ts';
import type { AwsIdentity, SignInMeans } from '../../lib/credentials/sign-in.ts';
import { TokenCache } from '../../lib/credentials/token-cache.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient, type HttpClient } from '../../lib/net/http-client.ts';

interface Given {
  readonly clock: Clock;
  readonly http?: HttpClient;
  readonly aws?: AwsCredentials | undefined;
  readonly endpoints?: AwsIdentity['endpoints'];
  readonly region?: string;
}

export function signInMeans({ clock, http = loopbackClient(), aws, endpoints = {}, region = 'eu-west-1' }: Given): SignInMeans {
  const identity: AwsIdentity = { credentials: async () => aws, endpoints, region: async () => region };
  return { http, aws: identity, clock, tokens: new TokenCache(clock) };
}

/** Its connections end with the process. */
function loopbackClient(): HttpClient {
  return createHttpClient(createAddressGuard(['127.0.0.0/8']));
}
