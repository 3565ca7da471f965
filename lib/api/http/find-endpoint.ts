/** Which call a request means: by its method and the segments of its path. */
import type { Answer } from './answer.ts';
import type { Endpoint } from './endpoint.ts';

export interface FoundEndpoint<R extends Answer = Answer> {
  readonly endpoint: Endpoint<string, R>;
  /** By the names in the endpoint's path, decoded. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Or the answer to a request that means none: 404, 405, and to OPTIONS. HEAD is answered like GET; the server leaves the body out. */
export function findEndpoint(
  endpoints: readonly Endpoint[],
  method: string,
  segments: readonly string[],
): FoundEndpoint | { readonly answer: Answer } {
  const matches = endpoints.flatMap((endpoint) => {
    const parameters = match(endpoint.path, segments);
    return parameters === undefined ? [] : [{ endpoint, parameters }];
  });
  const wanted = method === 'HEAD' ? 'GET' : method;
  const found = matches.find(({ endpoint }) => endpoint.method === wanted);
  if (found !== undefined) return found;
  if (matches.length === 0) return { answer: { status: 404, body: { error: '404 Not Found' } } };
  const allow = [...new Set(matches.map(({ endpoint }) => endpoint.method))];
  const headers = { allow: ['OPTIONS', ...(allow.includes('GET') ? ['HEAD'] : []), ...allow].join(', ') };
  if (method === 'OPTIONS') return { answer: { status: 204, headers } };
  return { answer: { status: 405, body: { error: '405 Not Allowed' }, headers } };
}

function match(path: string, segments: readonly string[]): ReadonlyMap<string, string> | undefined {
  const expected = path.slice(1).split('/');
  if (expected.length !== segments.length) return undefined;
  const parameters = new Map<string, string>();
  for (const [index, word] of expected.entries()) {
    const segment = segments[index] ?? '';
    if (word.startsWith('{')) parameters.set(word.slice(1, -1), segment);
    else if (word !== segment) return undefined;
  }
  return parameters;
}
