/** What reporters may read: no URL, host, address or path of either end. Decided here, for mirrors, runs and pages alike. */
import type { AccessToken } from '../../model/access-token.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import { hasRole } from '../http/authenticate.ts';

export type Hide = (words: string) => string;

const anyUrl = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,19}:(?:\/\/|\\\/\\\/)[^\s"'<>()]+/gi;
/** Of a host's own disk; refs have no slash in front. */
const absolutePath = /(?<![\w/\\.@+-])\/(?:[\w.@+%-]+\/)+[\w.@+%-]*/g;
/** Hosts that neither URL names (behind a redirect, of an LFS link): as network failures and gitferry's own messages name them. */
const otherHost = new RegExp(
  [
    String.raw`(?<![\w/.@-])(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}(?=:\s|:\d| (?:does not speak|answered|redirects)\b)`,
    String.raw`(?<![\w/.@-])[a-z0-9.-]{1,253}(?= (?:is at \[?[\da-f]{1,4}[.:]|has no address\b))`,
    String.raw`(?<=\b(?:ENOTFOUND|EAI_AGAIN|redirects at) |another (?:host|port) \()[^\s,;)]+`,
  ].join('|'),
  'gi',
);
/** With its port; also in brackets. */
const ipAddress =
  /\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b|\[?(?<![\w:\]])(?=[0-9a-f:]{0,39}::|(?:[0-9a-f]{1,4}:){7})[0-9a-f:]{2,39}(?![\w:])\]?(?::\d{1,5})?/gi;

/** For this viewer: the words as they are, or without what they say of both ends. */
export function hiderFor(
  viewer: Pick<AccessToken, 'role'>,
  mirror: Pick<Mirror, 'url' | 'lfsUrl'>,
  project: Pick<Project, 'repositoryUrl'>,
): Hide {
  if (hasRole(viewer, 'maintainer')) return (words) => words;
  const urls = [mirror.url, project.repositoryUrl, ...(mirror.lfsUrl === null ? [] : [mirror.lfsUrl])].filter((url) => URL.canParse(url));
  const hosts = words(urls.flatMap((url) => [new URL(url).host, new URL(url).hostname]));
  const paths = words(urls.flatMap((url) => pathsOf(new URL(url).pathname)));
  return (text) => {
    let hidden = text.replace(anyUrl, '[url]');
    for (const path of paths) hidden = withoutWord(hidden, path, '[path]');
    for (const host of hosts) hidden = withoutWord(hidden, host, '[host]');
    return hidden.replace(absolutePath, '[path]').replace(otherHost, '[host]').replace(ipAddress, '[address]');
  };
}

/** With and without `.git` and the slash in front, encoded and decoded, as in JSON, as one part of another path. */
function pathsOf(pathname: string): readonly string[] {
  const forms = [pathname];
  try {
    forms.push(decodeURIComponent(pathname));
  } catch {
    // Then it is never shown decoded.
  }
  return forms.flatMap((path) => {
    const bare = path.replace(/^\/+/, '').replace(/\.git$/, '');
    if (bare.length < 3) return [];
    const inOthers = [bare.replaceAll('/', '\\/'), encodeURIComponent(bare)];
    return [`/${bare}.git`, `/${bare}`, ...[bare, ...inOthers].flatMap((form) => [`${form}.git`, form])];
  });
}

/** In lower case, long ones first. */
function words(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.map(lowerAscii))].filter((text) => text !== '').sort((one, other) => other.length - one.length);
}

/** In any case of its ASCII letters; by search, because an expression made of a long URL takes long to compile. */
function withoutWord(text: string, word: string, instead: string): string {
  const lower = lowerAscii(text);
  const pieces: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, from)) {
    pieces.push(text.slice(from, at), instead);
    from = at + word.length;
  }
  return pieces.length === 0 ? text : pieces.join('') + text.slice(from);
}

/** Other letters may have more than one character in lower case, and places would not fit. */
function lowerAscii(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
