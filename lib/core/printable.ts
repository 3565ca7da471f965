/** What strangers say, made fit for people's eyes: nothing in it hides, overwrites or turns around what stands beside it. */

/** A terminal's commands: colours, and moves of the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const terminalCommand = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

/**
 * What is not seen, or moves what is: controls (Cc), formats with changes of direction (Cf), separators of lines (Zl, Zp), halves of surrogate pairs (Cs), and
 * all that Unicode lets a font leave out (DI): zero-width characters, variation selectors, fillers.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/gu;

/** Text of a stranger made fit for people: one line, no terminal commands, and what would not be seen as its code point (`⟨U+202E⟩`). */
export function printable(text: string): string {
  return text
    .replace(terminalCommand, '')
    .replace(/[\t\n\r]/g, ' ')
    .replace(unseen, codePoint);
}

/** The same, with its line breaks. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON of the exact value in which nothing is unseen: such characters are escaped (`\u202e`). */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(unseen, escaped);
}

function codePoint(character: string): string {
  const digits = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `⟨U+${digits}⟩`;
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
}
