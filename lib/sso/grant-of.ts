/** What a person's groups may do: one role, and for which projects. */
import { type AccessToken, roles } from '../model/access-token.ts';
import type { Grant } from './provider-settings.ts';

const everybody = '*';

/** The groups that the settings name, each once. */
export function namedGroups(groups: readonly string[], grants: readonly Grant[]): readonly string[] {
  const named = new Set(grants.map(({ group }) => group));
  // A real group of that name would be everybody's.
  return [...new Set(groups)].filter((group) => group !== everybody && named.has(group));
}

/** The highest role of all groups counts, with the projects of the groups that have it. undefined = no group has a role. */
export function grantOf(groups: readonly string[], grants: readonly Grant[]): Pick<AccessToken, 'role' | 'projectIds'> | undefined {
  const fitting = grants.filter(({ group }) => group === everybody || groups.includes(group));
  const role = roles.findLast((each) => fitting.some((grant) => grant.role === each));
  if (role === undefined) return undefined;
  const ofRole = fitting.filter((grant) => grant.role === role);
  const lists = ofRole.flatMap(({ projects }) => (projects === undefined ? [] : [projects]));
  return { role, projectIds: lists.length < ofRole.length ? null : [...new Set(lists.flat())] };
}
