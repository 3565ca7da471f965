/** In which pushes a run's commands go, before anything is refused. */
import { limits } from '../core/limits.ts';
import { NamesInTheWay } from '../git/ref-name.ts';
import type { PushCommand } from '../git/wire/push-request.ts';

/**
 * Pushes of at most 2,000 commands, in order. Deletions that make room for a name (`a` before `a/b`, `a/b` before `a`) get a push of their own:
 * git 2.39 goes by the order of commands, newer versions do not.
 */
export function commandGroups(commands: readonly PushCommand[]): PushCommand[][] {
  const created = new NamesInTheWay(commands.flatMap((command) => (command.old === null ? [command.ref] : [])));
  const frees = (command: PushCommand): boolean => command.new === null && created.of(command.ref) !== undefined;
  const first = commands.filter(frees);
  const rest = commands.filter((command) => !frees(command));
  return [first, rest].flatMap((part) => {
    const groups: PushCommand[][] = [];
    for (let at = 0; at < part.length; at += limits.commandsPerPush) groups.push(part.slice(at, at + limits.commandsPerPush));
    return groups;
  });
}
