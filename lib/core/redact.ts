/** Removes the secrets in use from every text that a person, a log or a client can see. */
import { limits } from './limits.ts';
import { base64Line, encodedForms, fewForms, pairForms, plainForms, type SecretForm } from './secret-forms.ts';
import { type Mask, maskOf } from './secret-masks.ts';

/** Shorter secrets are removed only in their structural forms (URL user info, Basic credentials): replacing them everywhere would leave no text. */
const shortestPlainSecret = 4;
const mask = '*****';
/** User info in a URL: with a password, or (not over SSH, where a user name is no secret) a name long enough to be a token. */
const urlWithPassword = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@:]*:[^\s/?#@]*(?:@[^\s/?#@]*)*@/gi;
const urlWithToken = /\b(https?:\/\/)[^\s/?#@:]{8,}@/gi;
/** In PEM's frame, its line ends escaped or not; also one that is cut off, by the end or by the next. None is looked through twice. */
const privateKeyBlock =
  /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?:(?!-----BEGIN )[A-Za-z0-9+/=\s\\:,.-])*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----|$|(?=-----BEGIN ))/g;
/** Also as JSON (`"authorization":"Bearer x"`). */
const authorizationHeader =
  /\b(authorization["']?\s*[:=]\s*["']?|private-token["']?\s*[:=]\s*["']?)((?:basic|bearer|token|digest|negotiate)\s+)?[^\s,;"']+/gi;

/** What signs a link, or stands for a credential in one; also as it is escaped in HTML, and percent-encoded as a part of another link. */
const secretParameter =
  /((?:[?&;\s"']|%3f|%26|^)(?:x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|googleaccessid|key-pair-id|signature|sig|policy|(?:(?:private|access|refresh|job|oauth|auth|api|session|security|sas|deploy)[_-]?)?token|(?:api|access|secret)[_-]?key|client[_-]?secret|secret|password|passwd|pwd|auth(?:orization)?|jwt)(?:=|%3d))[^\s&"'<>#]+/gi;

export interface KnownSecret {
  readonly username?: string | undefined;
  readonly password: string;
  /** A line of base64, as private keys have many of: looked for as it stands, in JSON and percent-encoded, but not in base64 once more. */
  readonly isBase64?: boolean;
}

export interface Redactor {
  redact(text: string): string;
}

export interface LearningRedactor extends Redactor {
  /** What a server gave out for a while: secret from now on, in fewer encodings; of many, the last ones. */
  learn(secrets: readonly string[]): void;
}

/**
 * A redactor that knows these credentials, in the encodings that SECURITY.md names (test/core/redactor-forms.test.ts holds it to that). Passwords and tokens in URLs
 * and Authorization headers, signatures of links, and private keys in PEM's frame are removed whether known or not.
 */
export function createRedactor(secrets: readonly KnownSecret[]): LearningRedactor {
  const known = formsOf(secrets);
  const learned = new Map<string, SecretForm[]>();
  let all: readonly Mask[] | undefined;
  return {
    learn(given) {
      for (const secret of given) {
        if (secret.length < shortestLearnedSecret || secret.length > limits.learnedSecretCharacters) continue;
        const forms = learned.get(secret) ?? fewForms(secret);
        // The one that is used again is the last one to be forgotten.
        learned.delete(secret);
        learned.set(secret, forms);
        for (const [oldest] of learned) {
          if (learned.size <= limits.learnedSecrets) break;
          learned.delete(oldest);
        }
        all = undefined;
      }
    },
    redact(text) {
      all ??= [maskOf(known.plain, 'i', mask), maskOf([...known.encoded, ...[...learned.values()].flat()], '', mask)];
      const result = all.reduce((rest, apply) => apply(rest), text);
      return result
        .replace(privateKeyBlock, mask)
        .replace(urlWithPassword, `$1${mask}@`)
        .replace(urlWithToken, `$1${mask}@`)
        .replace(authorizationHeader, `$1${mask}`)
        .replace(secretParameter, `$1${mask}`);
    },
  };
}

/** Shorter parts of a link or header are no secrets, but `on` and `2`. */
const shortestLearnedSecret = 12;

function formsOf(secrets: readonly KnownSecret[]): { readonly plain: readonly SecretForm[]; readonly encoded: readonly SecretForm[] } {
  const plain: SecretForm[] = [];
  const encoded: SecretForm[] = [];
  for (const { username = '', password, isBase64 = false } of secrets) {
    if (password === '') continue;
    if (isBase64) {
      encoded.push(base64Line(password));
      continue;
    }
    // Without a user name, `git` goes in its place (lib/git/transport/http/authorization.ts, lib/credentials/default-user-name.ts).
    for (const name of new Set([username, '', 'git'])) encoded.push(...pairForms(name, password));
    if (password.length < shortestPlainSecret) continue;
    plain.push(...plainForms(password));
    encoded.push(...encodedForms(password));
  }
  return { plain, encoded };
}
