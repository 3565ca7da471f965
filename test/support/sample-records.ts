/** Records with everything that a test does not care about filled in. */
import type { MirrorSettings } from '../../lib/model/mirror.ts';
import type { ProjectSettings } from '../../lib/model/project.ts';
import type { Run, RunRef } from '../../lib/model/run.ts';

export function sampleProject(changes: Partial<ProjectSettings> = {}): ProjectSettings {
  return {
    path: `group/name-${Math.random().toString(36).slice(2)}`,
    repositoryUrl: 'https://git.example/group/name.git',
    authMethod: 'password',
    credential: null,
    hostKeys: [],
    publicKey: null,
    ...changes,
  };
}

export function sampleMirror(changes: Partial<MirrorSettings> = {}): MirrorSettings {
  return {
    enabled: true,
    url: 'https://mirror.example/group/name.git',
    authMethod: 'password',
    credential: null,
    hostKeys: [],
    publicKey: null,
    onlyProtectedBranches: false,
    mirrorBranchRegex: null,
    keepDivergentRefs: false,
    deleteAmbiguousRefs: false,
    mirrorOverwritesDivergedBranches: false,
    mirrorTags: 'all',
    lfs: 'auto',
    lfsUrl: null,
    ...changes,
  };
}

export function sampleRun(changes: Partial<Run> = {}): Run {
  const startedAt = changes.startedAt ?? Date.now();
  const refs = changes.refs ?? [];
  return {
    id: `${startedAt}-token`,
    trigger: { kind: 'manual', who: 'tester' },
    startedAt,
    finishedAt: startedAt + 1000,
    outcome: 'success',
    error: null,
    counts: { created: refs.length },
    bytes: 123,
    lfs: null,
    lfsFailures: [],
    notes: [],
    refsTotal: refs.length,
    ...changes,
    refs,
  };
}

/** Refs as a run gives them, with object ids that do not compress well. */
export function sampleRefs(count: number): RunRef[] {
  return Array.from({ length: count }, (_, index) => ({
    ref: `refs/heads/branch-${index}`,
    result: 'created',
    old: null,
    new: sampleOid(index),
    reason: null,
  }));
}

function sampleOid(seed: number): string {
  let state = seed + 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state.toString(16).padStart(8, '0');
  };
  return next() + next() + next() + next() + next();
}
