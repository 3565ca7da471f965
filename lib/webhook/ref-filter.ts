/** Whether a mirror's rules let any of an event's refs pass, without compiling the same rules for every event. */
import { type CompiledRules, compileRules, defaultRules } from '../mirror/rules.ts';
import type { Mirror } from '../model/mirror.ts';
import type { Project } from '../model/project.ts';
import { webhookLimits } from './webhook-limits.ts';

/** A cache: per mirror as it was read, so that changed settings are compiled anew. */
const compiled = new WeakMap<Mirror, Promise<CompiledRules | undefined>>();

/** `refs` are branches and tags by full name. Rules that cannot be read or take too long let everything pass: the run says what is wrong with them. */
export async function passesFilter(refs: readonly string[], mirror: Mirror, project: Project): Promise<boolean> {
  const { onlyProtectedBranches, mirrorBranchRegex, mirrorTags } = mirror;
  if (!onlyProtectedBranches && mirrorBranchRegex === null && mirrorTags === 'all') return true;
  let ready = compiled.get(mirror);
  if (ready === undefined) {
    ready = compile(mirror, project);
    compiled.set(mirror, ready);
  }
  const rules = await ready;
  if (rules === undefined) return true;
  return rules.matchesAny(refs, webhookLimits.filterMs).catch(() => true);
}

async function compile(
  { onlyProtectedBranches, mirrorBranchRegex, mirrorTags }: Mirror,
  project: Project,
): Promise<CompiledRules | undefined> {
  try {
    return await compileRules({
      ...defaultRules,
      onlyProtectedBranches,
      protectedBranches: project.protectedBranches.map(({ name }) => name),
      ...(mirrorBranchRegex === null ? {} : { branchRegex: mirrorBranchRegex }),
      tags: mirrorTags === 'all' || mirrorTags === 'none' ? mirrorTags : { regex: mirrorTags },
    });
  } catch {
    return undefined;
  }
}
