/** Events of API Gateway (HTTP API, payload 2.0) made fit for hono/aws-lambda, which makes a Request of them. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

type Parts = Pick<APIGatewayProxyEventV2, 'rawPath' | 'body'> & { readonly requestContext: { readonly http: { readonly method: string } } };

/**
 * Paths come decoded: a `?`, `#` or lone `%` of a branch name must not end or spoil the URL; what is percent-encoded stays as it is. A body of GET or
 * HEAD, which a Request cannot have, is left out.
 */
export function requestEvent<T extends Parts>(event: T): T {
  const rawPath = event.rawPath.replace(/%(?![0-9a-fA-F]{2})|[?#\\]/g, encodeURIComponent);
  const hasStrayBody = event.body !== undefined && /^(GET|HEAD)$/.test(event.requestContext.http.method);
  return { ...event, ...(hasStrayBody ? { body: undefined } : {}), rawPath };
}
