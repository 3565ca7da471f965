/** What a regular expression costs RE2 to compile and to match, counted in its text before RE2 sees it: counted repetitions are written out. */

export interface RegexSize {
  /** Characters, classes, operators and groups after all counted repetitions are written out: RE2 walks through that many steps for each byte at worst. */
  readonly size: number;
  /** The repetition to blame: the innermost one that exceeds the limit alone, else the largest; undefined without any. */
  readonly part: string | undefined;
}

/** A Unicode class such as \pL has hundreds of ranges: 50 of them compile in 90 ms. */
const unicodeClassSize = 20;

/** What is open: an expression in parentheses, or the whole. `last` is what a repetition would repeat. */
interface Level {
  done: number;
  last: number;
  lastStart: number;
  readonly start: number;
}

/**
 * Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax) as node-re2 passes it on. Takes linear time. What RE2 refuses gets some number: it says
 * itself what is wrong.
 */
export function regexSize(pattern: string, limit: number): RegexSize {
  const open: Level[] = [];
  let level: Level = { done: 0, last: 0, lastStart: 0, start: 0 };
  let blamed: { readonly size: number; readonly part: string } | undefined;
  const add = (size: number, start: number): void => {
    level.done += level.last;
    level.last = size;
    level.lastStart = start;
  };
  const close = (size: number): void => {
    const { done, last, start } = level;
    level = open.pop() ?? level;
    add(done + last + size, start);
  };
  for (let at = 0; at < pattern.length; ) {
    const token = nextToken(pattern, at);
    const end = at + token.length;
    if (token.kind === 'atom') add(token.size, at);
    else if (token.kind === 'quote') for (let index = 0; index < token.size; index++) add(1, at);
    else if (token.kind === 'or') {
      level.done += level.last + 1;
      level.last = 0;
    } else if (token.kind === 'open') {
      open.push(level);
      level = { done: 0, last: 0, lastStart: end, start: at };
    } else if (token.kind === 'close' && open.length > 0) close(1);
    else if (token.kind === 'repeat') {
      level.last = repeated(level.last, token);
      if (blamed === undefined || (blamed.size <= limit && level.last > blamed.size))
        blamed = { size: level.last, part: pattern.slice(level.lastStart, end) };
    }
    at = end;
  }
  while (open.length > 0) close(1);
  return { size: level.done + level.last, part: blamed?.part };
}

type Token =
  | { readonly kind: 'atom' | 'quote'; readonly length: number; readonly size: number }
  | { readonly kind: 'repeat'; readonly length: number; readonly least: number; readonly most: number }
  | { readonly kind: 'open' | 'close' | 'or' | 'flags'; readonly length: number };

/** What is repeated is written out by RE2: `a{2,4}` is `aa(a(a)?)?`, `a{2,}` is `aa+`. Nothing, repeated, is a step as well. */
function repeated(size: number, { least, most }: { readonly least: number; readonly most: number }): number {
  const each = Math.max(1, size);
  if (most === Number.POSITIVE_INFINITY) return Math.max(1, least) * each + 1;
  return least * each + Math.max(0, most - least) * (each + 1);
}

const countedRepetition = /\{(0|[1-9]\d{0,8})(,(0|[1-9]\d{0,8})?)?\}\??/y;
const escaped = /\\(?:[pP](?:\{[^}]*\}|.)|[xu]\{[^}]*\}|x..|u[0-9a-fA-F]{1,4}|c[A-Z]|.|$)/suy;
/** `(?i)` changes what follows and is nothing itself: a repetition behind it repeats what stands before it. */
const flags = /\(\?[a-zA-Z-]*\)/y;
const opening = /\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*:))?/y;
const posixClass = /\[:.*?:\]/sy;

function nextToken(pattern: string, at: number): Token {
  const atom = (length: number, size = 1): Token => ({ kind: 'atom', length, size });
  switch (pattern[at]) {
    case '*':
    case '+':
    case '?':
      return {
        kind: 'repeat',
        length: pattern[at + 1] === '?' ? 2 : 1,
        least: pattern[at] === '+' ? 1 : 0,
        most: pattern[at] === '?' ? 1 : Number.POSITIVE_INFINITY,
      };
    case '{': {
      const [text, least = '', comma, most] = matchAt(countedRepetition, pattern, at) ?? [];
      if (text === undefined) return atom(1);
      const last = comma === undefined ? Number(least) : most === undefined ? Number.POSITIVE_INFINITY : Number(most);
      return { kind: 'repeat', length: text.length, least: Number(least), most: last };
    }
    case '(': {
      const change = matchAt(flags, pattern, at);
      if (change !== undefined) return { kind: 'flags', length: change[0].length };
      return { kind: 'open', length: matchAt(opening, pattern, at)?.[0].length ?? 1 };
    }
    case ')':
      return { kind: 'close', length: 1 };
    case '|':
      return { kind: 'or', length: 1 };
    case '[':
      return classToken(pattern, at);
    case '\\': {
      if (pattern.startsWith('\\Q', at)) {
        const end = pattern.indexOf('\\E', at + 2);
        const size = (end < 0 ? pattern.length : end) - at - 2;
        return { kind: 'quote', length: size + (end < 0 ? 2 : 4), size };
      }
      const text = matchAt(escaped, pattern, at)?.[0] ?? '\\';
      return atom(text.length, sizeOfEscape(text));
    }
    default:
      return atom((pattern.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  }
}

/** `[…]`, to its end; a class costs what it lists. */
function classToken(pattern: string, start: number): Token {
  let at = start + (pattern[start + 1] === '^' ? 2 : 1);
  const first = at;
  let size = 0;
  while (at < pattern.length && (pattern[at] !== ']' || at === first)) {
    const text = matchAt(posixClass, pattern, at)?.[0] ?? matchAt(escaped, pattern, at)?.[0] ?? pattern[at] ?? '';
    size += sizeOfEscape(text);
    at += text.length;
  }
  return { kind: 'atom', length: Math.min(at + 1, pattern.length) - start, size: Math.max(1, size) };
}

function sizeOfEscape(text: string): number {
  return /^\\[pP]/.test(text) ? unicodeClassSize : 1;
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}
