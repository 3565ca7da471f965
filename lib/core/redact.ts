/** Removes the secrets in use from every text that a person, a log or a client can see. */

/** Shorter secrets are removed only in their structural forms (URL user info, Basic credentials): replacing them everywhere would leave no text. */
const shortestPlainSecret = 4;
/** Fewer base64 digits than this are found in ordinary words. */
const shortestBase64 = 6;
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

export interface SecretPair {
  readonly username?: string | undefined;
  readonly password: string;
  /** A line of base64, as private keys have many of: looked for as it stands, in JSON and percent-encoded, but not in base64 once more. */
  readonly isBase64?: boolean;
}

export interface Redactor {
  redact(text: string): string;
}

/**
 * A redactor that knows these credentials: the password itself, also if any of its characters are percent-encoded, form-encoded, escaped as in
 * JSON or HTML, and in base64, alone or as a part of something (HTTP Basic). Passwords and tokens in URLs and Authorization headers, and private keys
 * in PEM's frame, are removed whether known or not. Does not know other encodings (hexadecimal, hashes, quoted-printable).
 */
export function createRedactor(secrets: readonly SecretPair[]): Redactor {
  const patterns: string[] = [];
  for (const { username = '', password, isBase64 = false } of secrets) {
    if (password === '') continue;
    if (isBase64) {
      patterns.push(base64Line(password));
      continue;
    }
    // Without a user name, `git` goes in its place (lib/git/transport/http.ts).
    for (const name of new Set([username, '', 'git'])) patterns.push(inBase64(`${name}:${password}`));
    if (password.length < shortestPlainSecret) continue;
    patterns.push(inBase64(password), ...base64Parts(password), inAnyEscape(password));
  }
  // Long ones first: a secret may be part of another.
  const known = patterns.length === 0 ? undefined : new RegExp([...new Set(patterns)].sort((a, b) => b.length - a.length).join('|'), 'g');
  return {
    redact(text) {
      const result = known === undefined ? text : text.replace(known, mask);
      return result
        .replace(privateKeyBlock, mask)
        .replace(urlWithPassword, `$1${mask}@`)
        .replace(urlWithToken, `$1${mask}@`)
        .replace(authorizationHeader, `$1${mask}`);
    },
  };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** In either alphabet of base64; without padding, which some leave out. */
function inBase64(text: string): string {
  return inEitherAlphabet(Buffer.from(text).toString('base64').replace(/=+$/, ''));
}

function inEitherAlphabet(digits: string): string {
  return digits.replaceAll('+', '[-+]').replaceAll('/', '[/_]');
}

function base64Line(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '+': '(?:[+ ]|%2[Bb])', '/': '(?:\\\\?/|%2[Ff])', '=': '(?:=|%3[Dd])' };
  return Array.from(text, (digit) => escapes[digit] ?? literal(digit)).join('');
}

/** The digits that `secret` leaves in the base64 of any text that holds it: those that depend on it alone, for its three possible places. */
function base64Parts(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((place) => {
    // From the first digit and up to the last one that have none of their six bits elsewhere.
    const first = Math.ceil((place * 8) / 6);
    const behind = Math.floor(((place + bytes.length) * 8) / 6);
    const digits = Buffer.concat([Buffer.alloc(place), bytes])
      .toString('base64')
      .slice(first, behind);
    return digits.length < shortestBase64 ? [] : [inEitherAlphabet(digits)];
  });
}

const htmlNames: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const jsonNames: Readonly<Record<string, string>> = {
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

/** A pattern for the text in which each character may be escaped in a way of its own. */
function inAnyEscape(text: string): string {
  return Array.from(text, (character) => {
    const forms = new Set<string>([literal(character), percentEncoded(character), ...numeric(character)]);
    if (character === ' ') forms.add('\\+');
    const html = htmlNames[character];
    if (html !== undefined) forms.add(literal(html));
    const json = jsonNames[character];
    if (json !== undefined) forms.add(`\\\\${literal(json)}`);
    return `(?:${[...forms].join('|')})`;
  }).join('');
}

/** Also encoded twice; the digits in either case. */
function percentEncoded(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%(?:25)?${anyCase(byte.toString(16).padStart(2, '0'))}`).join('');
}

/** `\u0041` per UTF-16 unit, `&#65;`, `&#x41;`. */
function numeric(character: string): string[] {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index).toString(16).padStart(4, '0'));
  const point = character.codePointAt(0) ?? 0;
  return [units.map((unit) => `\\\\u${anyCase(unit)}`).join(''), `&#0*${point};`, `&#[xX]0*${anyCase(point.toString(16))};`];
}

function anyCase(hexadecimal: string): string {
  return hexadecimal.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}
