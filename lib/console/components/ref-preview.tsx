/** What a mirror's rules match now, and what its first run would do: shown in the form before anything is saved. */
import type { Shown } from '../../api/http/answer.ts';
import type { planSchema } from '../../api/use-cases/plan-mirror.ts';
import type { previewSchema } from '../../api/use-cases/preview-mirror.ts';
import { consoleLimits } from '../console-limits.ts';
import { countWords } from '../ref-words.ts';
import { ForeignText } from './foreign-text.tsx';
import { RefTable } from './ref-table.tsx';

type Preview = Shown<typeof previewSchema>;
type ShownPlan = Shown<typeof planSchema>;

export function RefPreview({ preview }: { readonly preview: Preview }) {
  const { branches, tags } = preview;
  return (
    <div class="preview-result">
      <p>
        <strong>
          {branches.matched} of {branches.total} {branches.total === 1 ? 'branch' : 'branches'}
        </strong>{' '}
        and{' '}
        <strong>
          {tags.matched} of {tags.total} {tags.total === 1 ? 'tag' : 'tags'}
        </strong>{' '}
        match now.
      </p>
      {branches.matched === 0 && branches.total > 0 && (
        <p class="field-fault">No branch matches: nothing but tags would move. Look at the rules again.</p>
      )}
      <Names kind="Branches" matches={branches} />
      <Names kind="Tags" matches={tags} />
    </div>
  );
}

function Names({ kind, matches }: { readonly kind: string; readonly matches: Preview['branches'] }) {
  if (matches.total === 0) return null;
  const shown = matches.names.slice(0, consoleLimits.previewNames);
  return (
    <>
      <h3>{kind}</h3>
      <ul class="names">
        {shown.map(({ name, matched }) => (
          <li class={matched ? 'name-in' : 'name-out'}>
            <code>
              <ForeignText text={name} />
            </code>
            {!matched && <span class="muted"> stays out</span>}
          </li>
        ))}
      </ul>
      {matches.total > shown.length && <p class="muted">and {matches.total - shown.length} more</p>}
    </>
  );
}

export function PlanPreview({ plan }: { readonly plan: ShownPlan }) {
  const words = countWords(plan.counts);
  const shown = plan.refs.slice(0, consoleLimits.planRefs);
  return (
    <div class="preview-result">
      <p>
        <strong>{words === '' ? 'The run would change nothing: both sides are equal.' : `The run would ${planWords(plan.counts)}.`}</strong>
      </p>
      {plan.error !== null && (
        <div class="message message-failed">
          <p class="tip-message">
            <ForeignText text={plan.error.message} />
          </p>
          <p>
            <ForeignText text={plan.error.hint} />
          </p>
          <p>
            <code>{plan.error.code}</code>
          </p>
        </div>
      )}
      {shown.length > 0 && <RefTable caption="What would happen to each ref" idPrefix="plan" refs={shown} />}
      {plan.refs_total > shown.length && <p class="muted">and {plan.refs_total - shown.length} more</p>}
    </div>
  );
}

const verbs: Readonly<Record<string, string>> = {
  created: 'create',
  updated: 'update',
  forced: 'force',
  deleted: 'delete',
  diverged: 'leave diverged',
  kept: 'keep',
  rejected: 'be refused',
  raced: 'race',
};

/** `create 12, force 1, delete 3` */
function planWords(counts: ShownPlan['counts']): string {
  return Object.entries(verbs)
    .filter(([result]) => (counts[result] ?? 0) > 0)
    .map(([result, verb]) => `${verb} ${counts[result]}`)
    .join(', ');
}
