/** Takes out of what a peer said what it only repeats: addresses, paths, and names of refs and repositories. */

/** What a name may go on with: `main` does not stand in `maintenance`. */
const nameCharacter = /[A-Za-z0-9._-]/;

/** The words without these names, and without URLs, full ref names and paths (whatever holds a slash). Line breaks become spaces. */
export function ownWords(words: string, names: readonly string[]): string {
  let own = words
    .split(/\s+/)
    .filter((word) => !word.includes('/'))
    .join(' ');
  for (const name of names) if (name !== '') own = withoutName(own, name);
  return own;
}

function withoutName(text: string, name: string): string {
  let result = '';
  let from = 0;
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    if (at < from || nameCharacter.test(text.charAt(at - 1)) || nameCharacter.test(text.charAt(at + name.length))) continue;
    result += text.slice(from, at);
    from = at + name.length;
  }
  return result + text.slice(from);
}
