/** Text that somebody else chose (names, messages, addresses): shown by itself, so that it can neither hide anything nor turn around what stands beside it. */
import { printableLines } from '../../core/printable.ts';

export function ForeignText({ text }: { readonly text: string }) {
  return <bdi>{printableLines(text)}</bdi>;
}
