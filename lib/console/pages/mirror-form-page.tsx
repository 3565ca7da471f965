/** The page of a mirror's form: where it goes, what it moves, and beside it what that means now. */

import type { Shown as Answered } from '../../api/http/answer.ts';
import type { planSchema } from '../../api/use-cases/plan-mirror.ts';
import type { previewSchema } from '../../api/use-cases/preview-mirror.ts';
import { passwordMethod } from '../../credentials/registry.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { CredentialOption } from '../address-form.ts';
import { AddressFields } from '../components/address-fields.tsx';
import { Form } from '../components/form.tsx';
import { FormFaults } from '../components/form-faults.tsx';
import { CheckField } from '../components/form-field.tsx';
import { Page } from '../components/page.tsx';
import { PlanPreview, RefPreview } from '../components/ref-preview.tsx';
import { RuleFields } from '../components/rule-fields.tsx';
import { UrlCheckWords } from '../components/url-check.tsx';
import type { Faults } from '../faults.ts';
import { mirrorPage } from '../mirror-path.ts';
import type { MirrorValues } from '../mirror-values.ts';
import { checkUrl } from '../url-check.ts';
import type { Visit } from '../visit.ts';
import type { ProjectView } from './project-values.ts';

/** What a look at the settings found. */
export type LookFound = { readonly plan: Plan } | { readonly preview: Preview } | { readonly faults: Faults };
type Plan = Answered<typeof planSchema>;
type Preview = Answered<typeof previewSchema>;
type Look = LookFound & { readonly step: 'preview' | 'plan' };

export interface Shown {
  readonly values: MirrorValues;
  readonly faults: Faults;
  readonly note?: string | undefined;
  readonly look?: Look;
}

interface Props extends Shown {
  readonly visit: Visit;
  readonly project: ProjectView;
  readonly protectedBranches: number;
  readonly before: Mirror | undefined;
  readonly credentials: readonly CredentialOption[];
}

export function MirrorFormPage(props: Props) {
  const { visit, project, protectedBranches, before, credentials, values, faults, note, look } = props;
  const isNew = before === undefined;
  const isPush = values.direction === 'push';
  const title = isNew ? `New ${values.direction} mirror` : `Edit ${values.direction} mirror`;
  const parent = `/projects/${project.id}`;
  const action = isNew ? `${parent}/mirrors/new` : `${mirrorPage(before)}/edit`;
  // Nothing else than a form that was sent has this choice.
  const hasHiddenPassword = values.address.way === passwordMethod;
  return (
    <Page
      title={title}
      visit={visit}
      section="overview"
      crumbs={[
        { path: '/', label: 'Overview' },
        { path: parent, label: project.path_with_namespace },
      ]}
    >
      <FormFaults faults={faults} />
      {note !== undefined && (
        <p class="message message-note" role="status">
          {note}
        </p>
      )}
      {isNew && <DirectionLinks project={project} direction={values.direction} />}
      <Form action={action} once={isNew} class="mirror-form">
        <div class="card form">
          <h2>{isPush ? 'Where to' : 'Where from'}</h2>
          <input type="hidden" name="direction" value={values.direction} />
          {!isNew && <input type="hidden" name="version" value={values.version} />}
          <AddressFields
            values={values.address}
            faults={faults}
            credentials={credentials}
            urlName="url"
            urlLabel="Repository URL"
            urlHint={
              isPush
                ? 'https://, http:// or ssh://. The repository there must exist.'
                : 'https://, http:// or ssh://. The upstream repository.'
            }
            canKeep={!isNew}
            afterUrl={<UrlCheckWords check={checkUrl(values.address.url, visit.deps.guard)} action={action} />}
          />
          {hasHiddenPassword && (
            <p class="field-hint">A password that you typed is not put into the page again: enter it once more before you save.</p>
          )}
          <h2>What moves</h2>
          <div id="rules" class="form">
            <RuleFields values={values} faults={faults} protectedBranches={protectedBranches} />
          </div>
          <h2>When</h2>
          <CheckField
            name="enabled"
            label={isNew ? 'Start as soon as it is saved' : 'Enabled'}
            checked={values.enabled}
            hint="A paused mirror ignores events and the schedule until it is resumed."
          />
          <div class="buttons">
            <button type="submit" class="button button-primary" name="step" value="save">
              {isNew ? 'Save mirror' : 'Save changes'}
            </button>
            <a class="button button-quiet" href={isNew ? parent : mirrorPage(before)}>
              Cancel
            </a>
          </div>
        </div>
        <PreviewCard action={action} look={look} isPush={isPush} />
      </Form>
    </Page>
  );
}

function DirectionLinks({ project, direction }: { readonly project: ProjectView; readonly direction: 'push' | 'pull' }) {
  const link = (to: 'push' | 'pull', words: string) => (
    <a href={`/projects/${project.id}/mirrors/new?direction=${to}`} aria-current={direction === to ? 'page' : undefined}>
      {words}
    </a>
  );
  return (
    <nav class="subnav" aria-label="Direction">
      {link('push', 'Push: the project to another host')}
      {link('pull', 'Pull: an upstream into the project')}
    </nav>
  );
}

/** The buttons post the form as it is, unsaved. Where scripts run, only this part is replaced, and the preview follows the rules by itself. */
function PreviewCard({ action, look, isPush }: { readonly action: string; readonly look: Look | undefined; readonly isPush: boolean }) {
  const ask = {
    'hx-post': action,
    'hx-select': '#preview',
    'hx-target': '#preview',
    'hx-swap': 'outerHTML',
    'hx-sync': '#preview:replace',
  };
  const follows =
    look?.step === 'preview'
      ? {
          ...ask,
          'hx-trigger': 'input from:#rules delay:500ms',
          'hx-vals': '{"step":"preview"}',
          'hx-params': isPush ? 'not password' : '*',
        }
      : {};
  return (
    <section id="preview" class="card preview" aria-labelledby="preview-title" {...follows}>
      <h2 id="preview-title">Before you save</h2>
      <p class="muted">
        Nothing is stored and nothing is written by these. The preview lists the {isPush ? 'project' : 'upstream'}; the plan asks both sides
        what a run would do now.
      </p>
      <div class="buttons">
        <button type="submit" class="button button-quiet" id="preview-button" name="step" value="preview" formnovalidate {...ask}>
          Preview what matches
        </button>
        <button type="submit" class="button button-quiet" id="plan-button" name="step" value="plan" formnovalidate {...ask}>
          Plan the first run
        </button>
      </div>
      <div role="status">{look !== undefined && <LookResult look={look} />}</div>
    </section>
  );
}

function LookResult({ look }: { readonly look: Look }) {
  if ('faults' in look) {
    const { faults } = look;
    return (
      <div class="message message-failed">
        <p>{faults.general.join(' ')}</p>
        {faults.hint !== undefined && <p>{faults.hint}</p>}
        {faults.code !== undefined && (
          <p>
            <code>{faults.code}</code>
          </p>
        )}
      </div>
    );
  }
  return 'plan' in look ? <PlanPreview plan={look.plan} /> : <RefPreview preview={look.preview} />;
}
