/** The families of hosts: one row each. */
import { forgejo, gitea, gogs } from './families/gitea-family.ts';
import { github } from './families/github.ts';
import { gitlab } from './families/gitlab.ts';
import { plain } from './families/plain.ts';
import type { HostFamilyRules } from './host-family.ts';

const families = { github, gitlab, forgejo, gitea, gogs, plain } satisfies Readonly<Record<string, HostFamilyRules>>;

export type HostFamily = keyof typeof families;

export function familyOf(name: HostFamily): HostFamilyRules {
  return families[name];
}
