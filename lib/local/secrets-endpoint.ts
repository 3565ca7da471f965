/** A minimal Secrets Manager endpoint for one machine: what the service uses of the API, kept in an encrypted file. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type EncryptedFile, openEncryptedFile } from './encrypted-file.ts';
import { guard, listenHere } from './guarded-server.ts';
import { type Input, operations, SecretsFault, type SecretsState, withoutExpired } from './secrets-state.ts';

export interface SecretsEndpoint {
  readonly origin: string;
  close(): Promise<void>;
}

/** A value has at most 64 KiB, which JSON may write six times as long. */
const bodyBytes = 512 * 1024;

/**
 * Keeps values in `secrets.json` in the folder, under the key in `secrets.key`, or in memory without a folder. Rejects where what is there cannot be
 * read. Signatures are not checked; with `accessKeyId`, requests have to name it.
 */
export async function startSecretsEndpoint(folder?: string, accessKeyId?: string): Promise<SecretsEndpoint> {
  const file = folder === undefined ? undefined : await openEncryptedFile(join(folder, 'secrets.json'), join(folder, 'secrets.key'));
  const execute = createExecutor(stateOf(await file?.read()), file);
  const server = createServer((request, response) => {
    answer(request, response, execute).catch(() => response.destroy());
  });
  guard(server, accessKeyId);
  return {
    origin: await listenHere(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Executor = (operation: string, input: Input) => Promise<object>;

/** Calls one after the other: an answer is given only when what it says is on disk. */
function createExecutor(initial: SecretsState, file: EncryptedFile | undefined): Executor {
  let state = initial;
  let last: Promise<unknown> = Promise.resolve();
  return (name, input) => {
    const operation = operations.get(name);
    if (operation === undefined) throw new SecretsFault('UnknownOperationException', 'This endpoint does not know the operation.');
    const call = last.then(async () => {
      const now = Date.now();
      const { answer, next } = operation(withoutExpired(state, now), input, now);
      if (next !== undefined) {
        await file?.write({ secrets: next });
        state = next;
      }
      return answer;
    });
    last = call.catch(() => undefined);
    return call;
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, execute: Executor): Promise<void> {
  const { status, body } = await outcomeOf(request, execute);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': randomUUID(),
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(JSON.stringify(body));
}

/** Faults are the caller's, anything else is this endpoint's (a full disk) and says no more than that. */
async function outcomeOf(request: IncomingMessage, execute: Executor): Promise<{ status: number; body: object }> {
  try {
    const target = /^secretsmanager\.(\w+)$/.exec(String(request.headers['x-amz-target'] ?? ''))?.[1] ?? '';
    const input = parseInput(await readBody(request));
    return { status: 200, body: await execute(target, input) };
  } catch (error) {
    if (error instanceof SecretsFault) {
      return { status: error.type === 'RequestTooLargeException' ? 413 : 400, body: { __type: error.type, message: error.message } };
    }
    return { status: 500, body: { __type: 'InternalServiceError', message: 'The secrets could not be written.' } };
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytes) throw new SecretsFault('RequestTooLargeException', 'The request is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseInput(text: string): Input {
  let value: unknown;
  try {
    value = JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw new SecretsFault('SerializationException', 'The request is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SecretsFault('SerializationException', 'The request is not a JSON object.');
  }
  return value as Input;
}

function stateOf(content: unknown): SecretsState {
  if (content === undefined) return {};
  const secrets = (content as { secrets?: unknown } | null)?.secrets;
  if (typeof secrets !== 'object' || secrets === null) throw new Error('the file of secrets holds something else');
  return secrets as SecretsState;
}
