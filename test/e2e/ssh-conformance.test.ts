import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformanceCases, optionsOf } from '../support/conformance.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';
import { createObjectStore } from '../support/repository.ts';
import { endAt, syncEnds } from '../support/ssh-sync.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { refsWith } from '../support/sync.ts';

describe.runIf(isAvailable('sshd'))('each conformance case ends with the refs it names when both ends are behind sshd', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let modern: Sshd;
  let old: Sshd;

  beforeAll(async () => {
    folder = await temporaryFolder();
    modern = await startSshd();
    old = await startSshd({ acceptEnv: false, keysOf: modern });
  });

  afterAll(async () => {
    await Promise.all([modern.close(), old.close()]);
    await folder.remove();
  });

  const cases = conformanceCases.map((testCase, index) => {
    // v0 lists no symbolic refs but HEAD.
    const protocol = index % 3 === 0 && testCase.source.symrefs === undefined ? 'v0' : 'v2';
    return { testCase, index, name: testCase.name, protocol };
  });

  // The target's symbolic refs can be listed with v2 only, and deletions depend on them: the source alone speaks v0.
  it.each(cases)('$name (source speaks $protocol)', async ({ testCase, index, protocol }) => {
    const root = join(folder.path, String(index));
    await mkdir(root);
    const store = await createObjectStore(root, testCase.parents, testCase.objects);
    const source = endAt(protocol === 'v0' ? old : modern, await store.create(join(root, 'source.git'), testCase.source));
    const path = await store.create(join(root, 'target.git'), testCase.target);
    const target = endAt(modern, path);
    const symbolic = new Set(Object.keys(testCase.target.symrefs ?? {}));
    const outcome = await syncEnds(source, target, optionsOf(testCase));

    const after = Object.entries(await refsOf(path, ['refs/'])).filter(([ref]) => !symbolic.has(ref));
    expect(Object.fromEntries(after.map(([ref, oid]) => [ref, store.name(oid)]))).toEqual(testCase.after);
    expect(refsWith(outcome, 'diverged').sort()).toEqual([...testCase.diverged].sort());
    await git(path, ['fsck', '--strict']);
  });
});
