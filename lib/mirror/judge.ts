/** What really happened to the refs of a push: by the target's report where that is clean, else by the values that the target lists afterwards. */
import type { ErrorCode } from '../core/error-catalogue.ts';
import type { PushAnswer } from '../git/client/push-pack.ts';
import type { Oid } from '../git/object-id.ts';
import type { PushCommand } from '../git/wire/push-request.ts';

export type Verdict =
  | { readonly state: 'done' }
  /** Somebody else moved it: neither the old value nor the new one is there. */
  | { readonly state: 'raced'; readonly reason: string }
  /** The target refused it (`rejected`), or the source could not send it (`unreadable`). `code`: what is wrong, where that is more than the ref's own matter. */
  | { readonly state: 'rejected' | 'unreadable'; readonly reason: string; readonly code?: ErrorCode | undefined };

/** Whether the report says, without a doubt, that everything was done. */
export function isClean(answer: PushAnswer, commands: readonly PushCommand[]): boolean {
  const { report } = answer;
  return report?.unpack === 'ok' && commands.every(({ ref }) => report.refs.has(ref) && report.refs.get(ref) === undefined);
}

/** The verdict by value; undefined where the old value is still there. */
export function judgeByValue(command: PushCommand, values: ReadonlyMap<string, Oid>): Verdict | undefined {
  const actual = values.get(command.ref) ?? null;
  if (actual === command.new) return { state: 'done' };
  if (actual === command.old) return undefined;
  return { state: 'raced', reason: `somebody else moved it to ${actual ?? 'nothing (deleted)'} meanwhile` };
}
