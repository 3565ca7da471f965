/** Why a ref still has its old value, in the target's own words: its status in the report, and those lines beside it that concern it. */
import { limits } from '../core/limits.ts';
import type { PushAnswer } from '../git/client/push-pack.ts';
import { shortRefName } from '../git/ref-name.ts';
import type { PushCommand } from '../git/wire/push-request.ts';

/** Reasons of the refs that one push left behind; each line goes to the refs that it names, or to all where it names none of them. */
export function rejectionReasons(refused: readonly PushCommand[], answer: PushAnswer): (command: PushCommand) => string {
  const { report, words } = answer;
  const general = words.filter((line) => !refused.some(({ ref }) => namesRef(line, ref)));
  return (command) => {
    const own = refused.length === 1 ? words : words.filter((line) => namesRef(line, command.ref));
    const lines = own.length > 0 ? own : general;
    const status = report === undefined ? undefined : report.unpack === 'ok' ? report.refs.get(command.ref) : report.unpack;
    return [status ?? '', firstOf(lines).join(' | ')].filter((part) => part !== '').join(': ') || silence(answer);
  };
}

function silence({ report }: PushAnswer): string {
  return report === undefined ? 'the target ended without a report' : 'the target reported no error but did not move the ref';
}

/** As many as are shown, in whole lines: they are redacted, and cut then, where the run is summed up. */
function firstOf(lines: readonly string[]): readonly string[] {
  let characters = 0;
  return lines.filter((line) => {
    const isShown = characters < limits.refReasonCharacters;
    characters += line.length;
    return isShown;
  });
}

/** What a name may go on with: `main` does not stand in `maintenance`. */
const nameCharacter = /[A-Za-z0-9._-]/;

/** By its full name, or by its short one as a word; very short ones are words of their own. */
function namesRef(line: string, ref: string): boolean {
  const short = shortRefName(ref);
  for (const name of short.length > 2 ? [ref, short] : [ref, `'${short}'`, `"${short}"`]) {
    for (let at = line.indexOf(name); at !== -1; at = line.indexOf(name, at + 1)) {
      if (!nameCharacter.test(line.charAt(at - 1)) && !nameCharacter.test(line.charAt(at + name.length))) return true;
    }
  }
  return false;
}
