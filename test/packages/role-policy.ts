/** What a role of the compiled template allows. Understands what our roles use and refuses the rest, instead of guessing. */
import type { Template } from '../infra/compile-template.ts';
import { statementsOf } from '../infra/template-rules.ts';
import type { Call } from './call-recorder.ts';
import { type References, resolveReferences } from './references.ts';

export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** What the role itself and policies attached to it allow. Throws for a denial, a condition, NotAction or NotResource. */
export function permissionsOf(role: string, { Resources: resources }: Template, references: References): Permission[] {
  const attached = Object.values(resources).filter(
    ({ Type, Properties }) => Type === 'AWS::IAM::Policy' && JSON.stringify(Properties.Roles).includes(`"${role}"`),
  );
  const own = resources[role];
  if (own === undefined) throw new Error(`no role ${role}`);
  return [own, ...attached].flatMap(statementsOf).map((statement) => {
    const { Effect, Action, Resource, Sid: _, ...others } = statement as typeof statement & { readonly Sid?: string };
    if (Effect !== 'Allow' || Object.keys(others).length > 0) throw new Error(`not understood: ${JSON.stringify(statement)}`);
    return { actions: [Action].flat() as string[], resources: [resolveReferences(Resource, references)].flat() as string[] };
  });
}

/** Every resource of a call must be allowed, by the same permission or by several. */
export function isAllowed({ action, resources }: Call, permissions: readonly Permission[]): boolean {
  const applying = permissions.filter(({ actions }) => actions.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())));
  return (
    resources.length > 0 &&
    resources.every((arn) => applying.some((permission) => permission.resources.some((pattern) => matches(pattern, arn))))
  );
}

/** Actions allowed on a resource pattern that no call made use of: `sqs:SendMessage`, each once. */
export function unusedActions(calls: readonly Call[], permissions: readonly Permission[]): string[] {
  const unused = permissions.flatMap((permission) =>
    permission.actions.filter((action) => !calls.some((call) => isAllowed(call, [{ ...permission, actions: [action] }]))),
  );
  return [...new Set(unused)].sort();
}

/** IAM's patterns: `*` any characters, `?` one. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
