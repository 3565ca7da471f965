/** What strangers say, made fit for people's eyes. */

/** Text of a stranger made fit for terminals and logs. */
export function printable(text: string): string {
  // Line separators and changes of direction as well: they make a text look like another one.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '').replace(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, ' ');
}
