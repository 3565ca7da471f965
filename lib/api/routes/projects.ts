/** /projects: repositories that somebody owns. */
import { z } from 'zod';
import type { Project } from '../../model/project.ts';
import { created, ok, type Shown } from '../http/answer.ts';
import { type Call, instanceEndpoint, projectEndpoint } from '../http/endpoint.ts';
import { line } from '../http/fields.ts';
import { idPageAnswer, idPageInput, idPageRequest } from '../http/pagination.ts';
import { givenAddress, signInFields, urlField } from '../input/address-input.ts';
import { projectSchema, showProject } from '../output/show-project.ts';
import { createProject, deleteProject, updateProject } from '../use-cases/save-project.ts';
import { searchProjects } from '../use-cases/search-projects.ts';

/** Of GitLab's projects; here a project has none of these. */
const foreignAttributes = [
  'name',
  'description',
  'visibility',
  'namespace_id',
  'default_branch',
  'import_url',
  'initialize_with_readme',
  'user_id',
  'topics',
  'tag_list',
  'issues_enabled',
  'issues_access_level',
  'merge_requests_enabled',
  'merge_requests_access_level',
  'wiki_enabled',
  'wiki_access_level',
  'snippets_enabled',
  'snippets_access_level',
  'jobs_enabled',
  'builds_access_level',
  'container_registry_enabled',
  'container_registry_access_level',
  'packages_enabled',
  'lfs_enabled',
  'shared_runners_enabled',
  'group_runners_enabled',
  'public_builds',
  'request_access_enabled',
  'emails_disabled',
  'emails_enabled',
  'merge_method',
  'squash_option',
  'auto_devops_enabled',
  'build_timeout',
  'ci_config_path',
  'only_allow_merge_if_pipeline_succeeds',
  'only_allow_merge_if_all_discussions_are_resolved',
  'remove_source_branch_after_merge',
  'repository_access_level',
  'forking_access_level',
  'pages_access_level',
  'mirror',
  'mirror_trigger_builds',
  'mirror_user_id',
  'avatar',
];

const pathField = line(255).meta({ example: 'group/name' });

const orders = ['id', 'name', 'path', 'created_at', 'updated_at', 'last_activity_at', 'similarity', 'star_count', 'storage_size'] as const;
/** GitLab's filters for what a project does not have here. */
const foreignFilters = [
  'id',
  'imported',
  'include_hidden',
  'include_pending_delete',
  'include_subgroups',
  'last_activity_after',
  'last_activity_before',
  'repository_checksum_failed',
  'repository_storage',
  'search_namespaces',
  'starred',
  'topic',
  'topic_id',
  'updated_after',
  'updated_before',
  'wiki_checksum_failed',
  'with_issues_enabled',
  'with_merge_requests_enabled',
  'with_programming_language',
  'with_shared',
];

export const projectEndpoints = {
  list: instanceEndpoint(
    {
      method: 'GET',
      path: '/projects',
      summary: 'Projects that the token may see',
      input: idPageInput.extend({ search: line(255).optional(), order_by: z.enum(orders).optional() }),
      ignored: [
        'simple',
        'statistics',
        'membership',
        'owned',
        'archived',
        'visibility',
        'min_access_level',
        'with_custom_attributes',
        'license',
        ...foreignFilters,
      ],
      answers: { 200: z.array(projectSchema) },
    },
    async (call) => {
      // Projects come by id, which is also the order in which they were made; GitLab's other orders are taken for that.
      const { search, order_by: _, ...input } = call.input;
      const request = idPageRequest(input);
      const { records } = call.deps;
      const only = call.token.projectIds ?? undefined;
      const page = search === undefined ? await records.projects.list(request, only) : await searchProjects(records, search, request, only);
      return idPageAnswer({ ...call, input }, request, page, await Promise.all(page.items.map((project) => shown(call, project))));
    },
  ),
  create: instanceEndpoint(
    {
      method: 'POST',
      path: '/projects',
      summary: 'Register a repository',
      role: 'owner',
      input: z.object({ path: pathField, repository_url: urlField(), ...signInFields }),
      ignored: foreignAttributes,
      answers: { 201: projectSchema },
    },
    async (call) => {
      const { input, token } = call;
      const project = await createProject(call, input.path, givenAddress('repository_url', input.repository_url, input));
      return created(showProject(project, false, token));
    },
  ),
  show: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}',
      summary: 'A project',
      role: 'reporter',
      input: z.object({}),
      ignored: ['statistics', 'license', 'with_custom_attributes'],
      answers: { 200: projectSchema },
    },
    async (call) => ok(await shown(call, call.project)),
  ),
  change: projectEndpoint(
    {
      method: 'PUT',
      path: '/projects/{id}',
      summary: 'Change path, URL, credentials or host keys',
      role: 'owner',
      input: z.object({ path: pathField.optional(), repository_url: urlField().optional(), ...signInFields }),
      ignored: foreignAttributes,
      answers: { 200: projectSchema },
    },
    async (call) => {
      const { input } = call;
      return ok(await shown(call, await updateProject(call, input.path, givenAddress('repository_url', input.repository_url, input))));
    },
  ),
  remove: projectEndpoint(
    {
      method: 'DELETE',
      path: '/projects/{id}',
      summary: 'Delete a project with its mirrors and hooks; repositories are left alone',
      role: 'owner',
      input: z.object({}),
      ignored: ['permanently_remove', 'full_path'],
      answers: { 202: z.object({ message: z.string() }) },
    },
    async (call) => {
      await deleteProject(call);
      return { status: 202, body: { message: '202 Accepted' } } as const;
    },
  ),
};

async function shown({ deps, token }: Pick<Call<unknown>, 'deps' | 'token'>, project: Project): Promise<Shown<typeof projectSchema>> {
  const pull = await deps.records.mirrors.get({ projectId: project.id, mirror: 'pull' });
  return showProject(project, pull?.enabled === true, token);
}
