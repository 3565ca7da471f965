/** Refs that a target with protocol v0 keeps because another ref has the same value: which of them to look at again, and what is said of the rest. */
import type { Oid } from '../git/object-id.ts';
import type { Note, PlannedChange } from './planning.ts';

/** Of `ambiguous` refs, those whose value a ref had that was moved: they may be alone with it now. A symbolic ref has moved along, and stays ambiguous. */
export function releasedBy(moved: readonly PlannedChange[], ambiguous: ReadonlyMap<string, Oid>): ReadonlySet<string> {
  const left = new Set(moved.map(({ old }) => old));
  return new Set([...ambiguous].filter(([, value]) => left.has(value)).map(([ref]) => ref));
}

/** For one or more refs. */
export function ambiguityNote(count: number): Note {
  const refs = count === 1 ? '1 ref was' : `${count} refs were`;
  const why = 'the target speaks protocol v0 only, which does not tell symbolic refs from others';
  const mend =
    'An sshd needs AcceptEnv GIT_PROTOCOL to speak v2. If the target has no symbolic refs beside HEAD, allow such deletions (delete_ambiguous_refs)';
  return { code: 'symbolic_refs_unknown', message: `${refs} not deleted: ${why}. ${mend}.`, count };
}
