/** The forms in which one secret may stand in a text: escaped letter by letter, and encoded as a whole. */
import { printable } from './printable.ts';

/** For each character, byte or digit, one behind the other: the patterns of which one stands in the text. */
export type SecretForm = readonly (readonly string[])[];

/** Fewer base64 digits than this are found in ordinary words. */
const shortestBase64 = 6;
/** A secret of which a message makes less than this is not looked for in that form. */
const shortestShown = 4;

/** As it stands, in any case, and with any of its characters escaped; its bytes in hexadecimal; UTF-16 that was read as UTF-8. For a pattern that ignores case. */
export function plainForms(secret: string): SecretForm[] {
  // Messages are made one line, and control characters in them blanks, before anybody redacts them.
  const shown = printable(secret).replace(/\s+/g, ' ').trim();
  const texts = new Set([secret, ...(shown.length < shortestShown ? [] : [shown])]);
  return [...[...texts].map(inAnyEscape), hexadecimal(secret), spread(secret)];
}

/** In base64, alone or as a part of something; the same in base64 once more; as UTF-16 in base64. */
export function encodedForms(secret: string): SecretForm[] {
  const once = base64Parts(Buffer.from(secret));
  const twice = once.flatMap((digits) => base64Parts(Buffer.from(digits)));
  const wide = Buffer.from(secret, 'utf16le');
  const ofUtf16 = [...base64Parts(wide), ...base64Parts(Buffer.from(wide).swap16())];
  return [base64Digits(secret), ...once, ...twice, ...ofUtf16].map(inEitherAlphabet);
}

/** Less of that, for what is a secret for minutes only. */
export function fewForms(secret: string): SecretForm[] {
  return [inAnyEscape(secret), ...base64Parts(Buffer.from(secret)).map(inEitherAlphabet)];
}

/** HTTP Basic, once and twice in base64: the one way to find a secret that is too short to be looked for by itself. */
export function pairForms(username: string, password: string): SecretForm[] {
  const digits = base64Digits(`${username}:${password}`);
  return [digits, ...base64Parts(Buffer.from(digits))].map(inEitherAlphabet);
}

/** A line of base64, as private keys have many of: as it stands, in JSON and percent-encoded. */
export function base64Line(text: string): SecretForm {
  const escapes: Readonly<Record<string, readonly string[]>> = { '+': ['[+ ]', '%2[Bb]'], '/': ['\\\\?/', '%2[Ff]'], '=': ['=', '%3[Dd]'] };
  return Array.from(text, (digit) => escapes[digit] ?? [literal(digit)]);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Without padding, which some leave out. */
function base64Digits(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

function inEitherAlphabet(digits: string): SecretForm {
  return Array.from(digits, (digit) => [digit === '+' ? '[-+]' : digit === '/' ? '[/_]' : digit]);
}

/** The digits that `bytes` leave in the base64 of anything that holds them: those that depend on them alone, for their three possible places. */
function base64Parts(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((place) => {
    // From the first digit and up to the last one that have none of their six bits elsewhere.
    const first = Math.ceil((place * 8) / 6);
    const behind = Math.floor(((place + bytes.length) * 8) / 6);
    const digits = Buffer.concat([Buffer.alloc(place), bytes])
      .toString('base64')
      .slice(first, behind);
    return digits.length < shortestBase64 ? [] : [digits];
  });
}

/** Also with something between the bytes (`70:61`). */
function hexadecimal(secret: string): SecretForm {
  return [...Buffer.from(secret)].map((byte, index) => [`${index === 0 ? '' : '[\\s:-]?'}${byte.toString(16).padStart(2, '0')}`]);
}

/** With a NUL, or what a message makes of it, behind each character. */
function spread(secret: string): SecretForm {
  return Array.from(secret, (character, index) => [`${index === 0 ? '' : '(?:[\\0 \\ufffd]|⟨U\\+0000⟩)'}${literal(character)}`]);
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

/** Each character may be escaped in a way of its own. */
function inAnyEscape(text: string): SecretForm {
  return Array.from(text, (character) => {
    const forms = new Set<string>([literal(character), ...percentEncoded(character), ...numeric(character)]);
    if (character === ' ') forms.add('\\+');
    const html = htmlNames[character];
    if (html !== undefined) forms.add(literal(html));
    const json = jsonNames[character];
    if (json !== undefined) forms.add(`\\\\${literal(json)}`);
    return [...forms];
  });
}

/** Also encoded twice, and as in `\x41`. */
function percentEncoded(character: string): string[] {
  const bytes = [...Buffer.from(character)].map((byte) => byte.toString(16).padStart(2, '0'));
  return ['%', '%25', '\\\\x'].map((before) => bytes.map((byte) => before + byte).join(''));
}

/** `\u0041` per UTF-16 unit, `&#65;`, `&#x41;`. */
function numeric(character: string): string[] {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index).toString(16).padStart(4, '0'));
  const point = character.codePointAt(0) ?? 0;
  return [units.map((unit) => `\\\\u${unit}`).join(''), `&#0*${point};`, `&#x0*${point.toString(16)};`];
}
