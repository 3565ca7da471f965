/** The AWS SDK's clients, set up once: standard AWS variables say where and as whom. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export interface AwsClients {
  readonly dynamo: DynamoDBDocumentClient;
  readonly sqs: SQSClient;
  readonly secrets: SecretsManagerClient;
  close(): void;
}

/**
 * A few retries and bounded waits: an answer that takes longer is given up, and the caller's own rules say what then. Without `throwOnRequestTimeout` the SDK
 * would only warn and wait for ever. A process with 50 relays on a crowded machine was without time for 10 seconds (seen): an answer that came
 * meanwhile must not be thrown away. Two tries fit between a beat and the loss of a lease (lib/jobs/runs/heartbeat.ts).
 */
const http = { connectionTimeout: 6_000, requestTimeout: 12_000, throwOnRequestTimeout: true };
const common = { maxAttempts: 4, requestHandler: { ...http, httpAgent: { maxSockets: 100 }, httpsAgent: { maxSockets: 100 } } };

/** Where AWS is imitated, and as whom to ask there; without it the standard AWS variables say. */
export interface AwsPlace {
  readonly dynamoDb: string;
  readonly sqs: string;
  readonly secretsManager: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function createAwsClients(place?: AwsPlace): AwsClients {
  const at = (endpoint: keyof AwsPlace) =>
    place === undefined ? common : { ...common, endpoint: place[endpoint], region: place.region, credentials: place };
  const plain = new DynamoDBClient(at('dynamoDb'));
  // Otherwise the SDK takes a queue's URL for its endpoint and ignores AWS_ENDPOINT_URL_SQS.
  const sqs = new SQSClient({ ...at('sqs'), useQueueUrlAsEndpoint: false });
  const secrets = new SecretsManagerClient(at('secretsManager'));
  return {
    dynamo: DynamoDBDocumentClient.from(plain, { marshallOptions: { removeUndefinedValues: true } }),
    sqs,
    secrets,
    close() {
      plain.destroy();
      sqs.destroy();
      secrets.destroy();
    },
  };
}
