/** A project as the API shows it. Reporters see no URL. */
import { z } from 'zod';
import { authMethods } from '../../credentials/registry.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { Project } from '../../model/project.ts';
import { isoTime, type Shown } from '../http/answer.ts';
import { hasRole } from '../http/authenticate.ts';
import { hostKeysSchema, maskedUrl, showHostKeys } from './show-mirror.ts';

export const projectSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    path: z.string(),
    path_with_namespace: z.string(),
    default_branch: z.string().nullable(),
    repository_url: z.string().optional().meta({ description: 'Not for reporters' }),
    auth_method: z.enum(authMethods),
    credential_id: z.int().nullable(),
    host_keys: hostKeysSchema,
    mirror: z.boolean().meta({ description: 'Whether it has a pull mirror that is enabled' }),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Project' });

export function showProject(project: Project, isMirror: boolean, viewer: Pick<AccessToken, 'role'>): Shown<typeof projectSchema> {
  const name = project.path.slice(project.path.lastIndexOf('/') + 1);
  return {
    id: project.id,
    name,
    path: name,
    path_with_namespace: project.path,
    default_branch: project.defaultBranch,
    ...(hasRole(viewer, 'maintainer') ? { repository_url: maskedUrl(project.repositoryUrl, project) } : {}),
    auth_method: project.authMethod,
    credential_id: project.credential?.kind === 'shared' ? project.credential.credentialId : null,
    host_keys: showHostKeys(project.hostKeys),
    mirror: isMirror,
    created_at: isoTime(project.createdAt),
  };
}
