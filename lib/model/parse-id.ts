/** An id as it stands in a path: one text for each id, and one id for each text. */

/** undefined for anything but a whole number from 1 in plain digits: no sign, no zero in front, no exponent. */
export function parseId(text: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}
