/** A project's protected branches: listed, added by name or wildcard, removed. */
import type { Hono } from 'hono';
import { hasRole } from '../../api/http/authenticate.ts';
import { protectedBranchEndpoints } from '../../api/routes/protected-branches.ts';
import type { ProtectedBranch } from '../../model/project.ts';
import { ForeignText } from '../components/foreign-text.tsx';
import { Form } from '../components/form.tsx';
import { faultsOf } from '../faults.ts';
import { readForm } from '../read-form.ts';
import { api, type ConsoleEnv, redirect, succeeded, type Visit } from '../visit.ts';
import { projectOf } from './project-values.ts';

export function addBranchForms(app: Hono<ConsoleEnv>): void {
  /** Form: `name`; `step` = `remove` takes it away. */
  app.post('/projects/:id/protected-branches', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    const form = await readForm(context.req.raw);
    const name = form.text('name');
    const isRemoval = form.text('step') === 'remove';
    const answer = isRemoval
      ? await api(visit, protectedBranchEndpoints.unprotect, { id: project.id, name })
      : await api(visit, protectedBranchEndpoints.protect, { id: project.id }, { name });
    if (answer.status === 403) await succeeded(answer);
    const back = `/projects/${project.id}#branches`;
    // Removed already, in another tab: that is what was wanted.
    if (isRemoval) return redirect(context, back, { kind: 'done', text: `${name} is no longer protected.` });
    const { general, fields } = faultsOf(answer, ['name']);
    const fault = [...general, ...Object.values(fields).map((words) => `The name ${words.charAt(0).toLowerCase()}${words.slice(1)}`)].join(
      ' ',
    );
    if (fault !== '') return redirect(context, back, { kind: 'failed', text: fault });
    return redirect(context, back, { kind: 'done', text: `${name} is protected.` });
  });
}

interface Props {
  readonly visit: Visit;
  readonly projectId: number;
  readonly branches: readonly ProtectedBranch[];
}

export function ProtectedBranches({ visit, projectId, branches }: Props) {
  const mayAct = hasRole(visit.token, 'maintainer');
  const action = `/projects/${projectId}/protected-branches`;
  return (
    <section class="card" id="branches" aria-labelledby="branches-title">
      <h2 id="branches-title">Protected branches</h2>
      <p class="muted">Mirrors with “only protected branches” carry these. A * stands for any characters.</p>
      {branches.length === 0 ? (
        <p>None yet.</p>
      ) : (
        <ul class="rows">
          {branches.map(({ name }) => (
            <li>
              <code>
                <ForeignText text={name} />
              </code>
              {mayAct && (
                <form method="post" action={action} class="inline">
                  <input type="hidden" name="name" value={name} />
                  <button type="submit" class="button button-quiet button-small" name="step" value="remove">
                    Remove
                    <span class="visually-hidden">
                      {' '}
                      <ForeignText text={name} />
                    </span>
                  </button>
                </form>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayAct && (
        <Form action={action} class="row-form">
          <label for="branch-name">Branch or pattern</label>
          <div class="search-row">
            <input
              id="branch-name"
              name="name"
              required
              class="code"
              autocomplete="off"
              spellcheck={false}
              placeholder="release/*"
              maxlength={255}
            />
            <button type="submit" class="button button-quiet" name="step" value="add">
              Protect
            </button>
          </div>
        </Form>
      )}
    </section>
  );
}
