/** Who this process is for AWS: the credentials that the SDK finds (the function's role), for requests that are not the SDK's. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { AwsIdentity } from '../credentials/sign-in.ts';

/** The SDK keeps them, and fetches others in time. */
export function sdkIdentity(client: SQSClient, endpoints: AwsIdentity['endpoints']): AwsIdentity {
  return {
    // What fails here is that there are none: the SDK has looked in all its places.
    credentials: () => client.config.credentials().catch(() => undefined),
    endpoints,
    region: () => client.config.region().catch(() => undefined),
  };
}
