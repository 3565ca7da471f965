/** What a failed connection means, whoever made it: Node's, OpenSSL's and undici's errors by our codes. */
import type { ErrorCode } from '../core/error-catalogue.ts';
import { GitferryError } from '../core/errors.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'dns_failed',
  EAI_AGAIN: 'dns_failed',
  EAI_FAIL: 'dns_failed',
  ENODATA: 'dns_failed',
  ETIMEDOUT: 'timed_out',
  UND_ERR_CONNECT_TIMEOUT: 'timed_out',
  UND_ERR_HEADERS_TIMEOUT: 'timed_out',
  UND_ERR_BODY_TIMEOUT: 'timed_out',
  UND_ERR_HEADERS_OVERFLOW: 'protocol_error',
  Z_DATA_ERROR: 'protocol_error',
  ECONNREFUSED: 'connection_failed',
  ECONNRESET: 'connection_failed',
  ECONNABORTED: 'connection_failed',
  EHOSTUNREACH: 'connection_failed',
  ENETUNREACH: 'connection_failed',
  EPIPE: 'connection_failed',
  EPROTO: 'connection_failed',
  UND_ERR_SOCKET: 'connection_failed',
  UND_ERR_INFO: 'connection_failed',
};

const certificateError = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|CRL_|INVALID_CA)/;

/** What undici, node:net, node:tls or node:dns threw, as a GitferryError; ours pass through, also as somebody's `cause`. */
export function toNetworkError(error: unknown, host: string, signal?: AbortSignal): GitferryError {
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof GitferryError) return inner;
  }
  if (signal?.aborted === true && signal.reason instanceof GitferryError) return signal.reason;
  // Node tries several addresses of a host: the first failure speaks for all.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code = '', name, message = String(first) } = (first ?? {}) as { code?: string; name?: string; message?: string };
  const known = codes[code];
  const detail = `${host}: ${message}${code === '' || message.includes(code) ? '' : ` (${code})`}.`;
  if (known !== undefined) return new GitferryError(known, { detail, cause: error });
  if (certificateError.test(code)) return new GitferryError('tls_certificate_invalid', { detail, cause: error });
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return new GitferryError('connection_failed', { detail, cause: error });
  if (code.startsWith('HPE_') || name === 'HTTPParserError')
    return new GitferryError('not_a_git_server', { detail: `${host} does not speak HTTP: ${message}.`, cause: error });
  return new GitferryError('connection_failed', { detail, cause: error });
}
