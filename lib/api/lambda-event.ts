/** API Gateway's decoded paths made fit for a URL again: a `?`, `#` or lone `%` of a branch name must not end or spoil it. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** What already is percent-encoded stays as it is. */
export function withEncodedPath<T extends Pick<APIGatewayProxyEventV2, 'rawPath'>>(event: T): T {
  const rawPath = event.rawPath.replace(/%(?![0-9a-fA-F]{2})|[?#\\]/g, encodeURIComponent);
  return rawPath === event.rawPath ? event : { ...event, rawPath };
}
