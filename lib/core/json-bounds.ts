/** How deep and how full a JSON text is, by one look at its bytes: parsing nested or many small values takes up to a hundred times longer than a text of that size. */

export interface JsonBounds {
  readonly levels: number;
  /** Commas, colons and opening brackets: about one for each value and each name. */
  readonly marks: number;
}

/** Whether parsing is worth its time. Says nothing on whether it is JSON; what is none is looked at as if it were. */
export function isWithinBounds(json: Uint8Array, { levels, marks }: JsonBounds): boolean {
  let depth = 0;
  let seen = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case quote:
        at = endOfString(json, at + 1);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > levels || ++seen > marks) return false;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x2c:
      case 0x3a:
        if (++seen > marks) return false;
        break;
    }
  }
  return true;
}

const quote = 0x22;
const backslash = 0x5c;

/** Where the string that begins here has its closing quote. */
function endOfString(json: Uint8Array, from: number): number {
  let at = from;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}
