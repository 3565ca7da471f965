import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { conformanceCases, optionsOf } from '../support/conformance.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { createObjectStore } from '../support/repository.ts';
import { refsWith, sync, syncNarrowly } from '../support/sync.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: GitHttpServer;

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startGitHttpServer({ root: folder.path });
});

afterAll(async () => {
  await server.close();
  await folder.remove();
});

it('there are all the cases', () => expect(conformanceCases).toHaveLength(35));

describe.each([{ way: 'ordinary' }, { way: 'narrow' }] as const)(
  'each conformance case ends with the refs it names, by $way runs',
  ({ way }) => {
    const paths: string[] = [];
    const run = async (from: string, to: string, options: readonly string[]): Promise<RunOutcome> => {
      if (way === 'ordinary') return sync(from, to, options);
      const narrow = await syncNarrowly(from, to, options);
      paths.push(narrow.way.path);
      return narrow.outcome;
    };

    it.each(conformanceCases.map((testCase, number) => ({ testCase, number, name: testCase.name })))(
      '$name',
      async ({ testCase, number }) => {
        const index = `${way}-${number}`;
        const root = join(folder.path, index);
        await mkdir(root);
        const store = await createObjectStore(root, testCase.parents, testCase.objects);
        await store.create(join(root, 'source.git'), testCase.source);
        const target = await store.create(join(root, 'target.git'), testCase.target);
        const symbolic = new Set(Object.keys(testCase.target.symrefs ?? {}));
        const outcome = await run(server.url(`${index}/source.git`), server.url(`${index}/target.git`), optionsOf(testCase));

        const after = Object.entries(await refsOf(target, ['refs/'])).filter(([ref]) => !symbolic.has(ref));
        expect(Object.fromEntries(after.map(([ref, oid]) => [ref, store.name(oid)]))).toEqual(testCase.after);
        expect(refsWith(outcome, 'diverged').sort()).toEqual([...testCase.diverged].sort());
        await git(target, ['fsck', '--strict']);

        // The same run again does nothing, unless refs were refused.
        const again = await run(server.url(`${index}/source.git`), server.url(`${index}/target.git`), optionsOf(testCase));
        expect(again.counts.created + again.counts.updated + again.counts.forced + again.counts.deleted).toBe(0);
        if (outcome.counts.rejected === 0) expect(again.bytes).toBe(0);
      },
    );

    if (way === 'narrow')
      it('many of them are really narrow', () => expect(paths.filter((path) => path === 'narrow').length).toBeGreaterThan(8));
  },
);
