/** /projects/{id}/protected_branches: names and wildcards that mirrors of protected branches go by. */
import { z } from 'zod';
import { branchPrefix, refNameFault } from '../../git/ref-name.ts';
import type { Project, ProtectedBranch } from '../../model/project.ts';
import { created, noContent, ok, type Shown } from '../http/answer.ts';
import { badParameter, conflict, notFound, projectNotFound } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import { projectEndpoint } from '../http/endpoint.ts';
import { line } from '../http/fields.ts';
import { pageAnswer, pageInput, pageOfArray, pageRequest } from '../http/pagination.ts';

const levels = z.array(z.unknown());
const branchSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    push_access_levels: levels,
    merge_access_levels: levels,
    unprotect_access_levels: levels,
    allow_force_push: z.boolean(),
    code_owner_approval_required: z.boolean(),
  })
  .meta({ id: 'ProtectedBranch' });

export const protectedBranchEndpoints = {
  list: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/protected_branches',
      summary: 'Protected branches',
      role: 'reporter',
      input: pageInput.extend({ search: line(255).optional() }),
      answers: { 200: z.array(branchSchema) },
    },
    async (call) => {
      const { search = '' } = call.input;
      const request = pageRequest(call.input);
      const found = byId(call.project).filter(({ name }) => name.includes(search));
      const page = pageOfArray(found, request);
      return pageAnswer(call, request, page, page.items.map(shown));
    },
  ),
  protect: projectEndpoint(
    {
      method: 'POST',
      path: '/projects/{id}/protected_branches',
      summary: 'Protect a branch, or all that fit a name with *',
      role: 'maintainer',
      input: z.object({ name: line(255).meta({ example: 'release/*' }) }),
      ignored: [
        'push_access_level',
        'merge_access_level',
        'unprotect_access_level',
        'allow_force_push',
        'allowed_to_push',
        'allowed_to_merge',
        'allowed_to_unprotect',
        'code_owner_approval_required',
      ],
      answers: { 201: branchSchema },
    },
    async ({ deps, project, input: { name } }) => {
      // A star stands for any characters; with a letter in its place the rest must be a name that git accepts.
      if (refNameFault(`${branchPrefix}${name.replaceAll('*', 'x')}`) !== undefined) throw badParameter('name', 'is invalid');
      if (project.protectedBranches.length >= apiLimits.protectedBranches)
        throw badParameter('name', `is invalid: a project has at most ${apiLimits.protectedBranches} protected branches`);
      const after = await deps.records.projects.protectBranch(project.id, name);
      if (after === undefined) throw projectNotFound();
      if (after === 'exists') throw conflict(`Protected branch '${name}' already exists`);
      return created(shown(branchOf(after, name)));
    },
  ),
  show: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/protected_branches/{name}',
      summary: 'A protected branch',
      role: 'reporter',
      input: z.object({}),
      answers: { 200: branchSchema },
    },
    async ({ project, pathParameter }) => ok(shown(branchOf(project, pathParameter('name')))),
  ),
  unprotect: projectEndpoint(
    {
      method: 'DELETE',
      path: '/projects/{id}/protected_branches/{name}',
      summary: 'Unprotect a branch',
      role: 'maintainer',
      input: z.object({}),
      answers: { 204: null },
    },
    async ({ deps, project, pathParameter }) => {
      const { name } = branchOf(project, pathParameter('name'));
      if (!(await deps.records.projects.unprotectBranch(project.id, name))) throw notFound();
      return noContent;
    },
  ),
};

function byId({ protectedBranches }: Project): readonly ProtectedBranch[] {
  return [...protectedBranches].sort((one, other) => one.id - other.id);
}

function branchOf({ protectedBranches }: Project, name: string): ProtectedBranch {
  const branch = protectedBranches.find((candidate) => candidate.name === name);
  if (branch === undefined) throw notFound();
  return branch;
}

/** GitLab's fields; who may push is the host's business, not ours. */
function shown({ id, name }: ProtectedBranch): Shown<typeof branchSchema> {
  return {
    id,
    name,
    push_access_levels: [],
    merge_access_levels: [],
    unprotect_access_levels: [],
    allow_force_push: false,
    code_owner_approval_required: false,
  };
}
