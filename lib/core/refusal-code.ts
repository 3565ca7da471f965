/** Which of the parked refusals a peer's words name. What happens next is the same for each: the words only choose the sentence. */
import type { ErrorCode } from './error-catalogue.ts';
import { ownWords } from './own-words.ts';

const refusals: readonly (readonly [RegExp, ErrorCode])[] = [
  [
    /archived|(is|are|in) (currently |temporarily |now )?read[- ]only( mode)?\b|read-only GitLab instance|read-only access/i,
    'repository_read_only',
  ],
  [
    /(permission|access) (was )?denied|not (allowed|authorized|permitted|authorised)|does not have (write |push |read )?(access|permission)|marked as read[- ]only/i,
    'permission_denied',
  ],
];

/** undefined = the words name none. For words of a peer that has refused; never for deciding whether it has. */
export function refusalNamed(words: string): ErrorCode | undefined {
  const own = ownWords(words, []);
  return refusals.find(([pattern]) => pattern.test(own))?.[1];
}
