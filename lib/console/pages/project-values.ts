/** A project's form: its values, as stored and as sent, and what the API thinks of them. */
import type { Shown } from '../../api/http/answer.ts';
import type { projectSchema } from '../../api/output/show-project.ts';
import { projectEndpoints } from '../../api/routes/projects.ts';
import { parseId } from '../../model/parse-id.ts';
import { type AddressValues, addressFields, addressInput, addressValues, type CredentialOption, newAddress } from '../address-form.ts';
import type { Form } from '../read-form.ts';
import { answered, api, type Visit } from '../visit.ts';

export type ProjectView = Shown<typeof projectSchema>;

export interface ProjectValues {
  readonly path: string;
  readonly address: AddressValues;
}

/** What the API names its faults by. */
export const projectFields = ['path', 'repository_url', ...addressFields] as const;

export const newProject: ProjectValues = { path: '', address: newAddress };

export function projectValues(form: Form): ProjectValues {
  return { path: form.text('path'), address: addressValues(form, 'repository_url') };
}

export function projectInput(form: Form, isNew: boolean, credentials: readonly CredentialOption[]): Record<string, unknown> {
  return { path: form.text('path'), ...addressInput(form, 'repository_url', { isNew, credentials }) };
}

/** Throws a Refusal: 404 also for what the token may not see. */
export function projectOf(visit: Visit, id: string): Promise<ProjectView> {
  // In the console's paths a project is a number; anything else is none.
  return answered(api(visit, projectEndpoints.show, { id: parseId(id) ?? 0 }));
}

/** For owners, who see everything: the keys are public, and the API gives only their fingerprints. */
export async function storedValues({ deps }: Visit, view: ProjectView): Promise<ProjectValues> {
  const project = await deps.records.projects.get(view.id);
  return {
    path: view.path_with_namespace,
    address: {
      ...newAddress,
      url: project?.repositoryUrl ?? '',
      way: 'keep',
      credentialId: view.credential_id === null ? '' : String(view.credential_id),
      hostKeys: (project?.hostKeys ?? []).join('\n'),
    },
  };
}
