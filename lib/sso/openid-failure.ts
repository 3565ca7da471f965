/** What openid-client threw, as a SignInError: words for the person, and for the log no token, code or secret. */
import { GitferryError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { createRedactor } from '../core/redact.ts';
import type { Provider } from './provider-settings.ts';
import { SignInError } from './sign-in-error.ts';
import { ssoLimits } from './sso-limits.ts';

/** Codes of the library: the provider answers, but not as one that works. */
const unusable = new Set(['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_TIMEOUT', 'OAUTH_ABORT']);

export function openIdFailure(thrown: unknown, provider: Provider, step: 'discovery' | 'tokens' | 'userinfo'): SignInError {
  if (thrown instanceof SignInError) return thrown;
  const { name, client_secret: secret } = provider;
  const redactor = createRedactor(secret === undefined ? [] : [{ password: secret }]);
  const words = (text: unknown): string =>
    typeof text === 'string' ? printable(redactor.redact(text)).slice(0, ssoLimits.wordsCharacters) : '';
  for (let inner = thrown; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof GitferryError)
      return new SignInError('provider_unavailable', `${name} does not answer (${inner.code}).`, words(inner.message));
  }
  const { error, error_description: description, code, message, status } = partsOf(thrown);
  const detail = words([code, error, message].filter((part) => typeof part === 'string').join(': '));
  // RFC 6749, 5.2: either way a wrong id or secret.
  const isClientRefused = error === 'invalid_client' || error === 'unauthorized_client' || (step === 'tokens' && status === 401);
  // The answer in the browser's URL, or that of the token endpoint.
  if (typeof error === 'string' || isClientRefused) {
    if (isClientRefused)
      return new SignInError(
        'provider_refused',
        `${name} does not accept gitferry’s client id and secret: an owner has to mend the settings.`,
        detail,
      );
    if (error === 'invalid_grant')
      return new SignInError('not_proven', `${name} says that this sign-in was used already or took too long.`, detail);
    const said = words(description);
    return new SignInError('provider_refused', `${name} refuses: ${words(error)}${said === '' ? '' : `, ${said}`}.`, detail);
  }
  if (step === 'discovery' || unusable.has(String(code)) || typeof status === 'number')
    return new SignInError('provider_unavailable', `${name} gives no answer that gitferry can use.`, detail);
  const isTime = code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED';
  const why = isTime ? `, because its times do not fit the clock here` : '';
  return new SignInError('not_proven', `The answer of ${name} does not prove who you are${why}.`, detail);
}

function partsOf(thrown: unknown): Readonly<Record<string, unknown>> {
  if (!(thrown instanceof Error)) return {};
  const { message } = thrown;
  return { ...thrown, message };
}
