import { expect, it } from 'vitest';
import { lfsInputOf, lfsStateAfter } from '../../../lib/jobs/runs/lfs-memory.ts';
import type { LfsOutcome } from '../../../lib/mirror/lfs-outcome.ts';
import type { LfsState } from '../../../lib/model/lfs-state.ts';
import type { Mirror } from '../../../lib/model/mirror.ts';

const oid = 'a'.repeat(64);
const known: LfsState = { mode: 'auto', everything: false, failed: [`${oid}:7`] };
const mirrorWith = (fields: Partial<Mirror>): Mirror => ({ lfs: 'auto', lfsState: null, ...fields }) as Mirror;
const outcomeWith = (fields: Partial<LfsOutcome>): LfsOutcome => ({
  ...{ scan: 'new', moved: 0, skipped: 0, failed: 0, bytes: 0, failures: [] },
  ...fields,
});
const failures = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...{ oid: index.toString(16).padStart(64, '0'), size: index },
    ...{ code: 'lfs_object_missing' as const, reason: 'gone', path: null },
  }));

it.each<[string, Partial<Mirror>, ReturnType<typeof lfsInputOf>]>([
  ['the first run', {}, { mode: 'auto', everything: true, failedBefore: [] }],
  ['a later run', { lfsState: known }, { mode: 'auto', everything: false, failedBefore: [{ oid, size: 7 }] }],
  ['a change to on', { lfsState: known, lfs: 'on' }, { mode: 'on', everything: true, failedBefore: [{ oid, size: 7 }] }],
  [
    'a later run with on',
    { lfsState: { ...known, mode: 'on' }, lfs: 'on' },
    { mode: 'on', everything: false, failedBefore: [{ oid, size: 7 }] },
  ],
  ['a change back to auto', { lfsState: { ...known, mode: 'on', failed: [] } }, { mode: 'auto', everything: false, failedBefore: [] }],
  [
    'what a person asked for',
    { lfsState: { ...known, failed: [] }, runTrigger: { kind: 'manual', who: 'ada' } as never },
    { mode: 'auto', everything: true, failedBefore: [] },
  ],
  [
    'an event',
    { lfsState: { ...known, failed: [] }, runTrigger: { kind: 'event' } as never },
    { mode: 'auto', everything: false, failedBefore: [] },
  ],
  [
    'a run after one that could not remember',
    { lfsState: { ...known, everything: true } },
    { mode: 'auto', everything: true, failedBefore: [{ oid, size: 7 }] },
  ],
  ['off', { lfs: 'off', lfsState: known }, undefined],
])('What is looked at: %s', (_, mirror, expected) => {
  expect(lfsInputOf(mirrorWith(mirror))).toEqual(expected);
});

it.each<[string, Partial<Mirror>, LfsOutcome | null, ReturnType<typeof lfsStateAfter>]>([
  ['a first run that saw everything', {}, outcomeWith({ scan: 'everything' }), { mode: 'auto', everything: false, failed: [] }],
  ['a first run without refs to write', {}, outcomeWith({ scan: 'nothing' }), undefined],
  ['a first run that could not look', {}, outcomeWith({ scan: 'failed' }), { mode: 'auto', everything: true, failed: [] }],
  ['a run that was ended', { lfsState: known }, outcomeWith({ scan: 'interrupted' }), undefined],
  ['a run that did not get that far', { lfsState: known }, null, undefined],
  ['a later run that copied what failed before', { lfsState: known }, outcomeWith({ scan: 'nothing' }), { ...known, failed: [] }],
  ['a later run that could not look', { lfsState: known }, outcomeWith({ scan: 'failed' }), { ...known, everything: true, failed: [] }],
  ['off, for the first time', { lfs: 'off', lfsState: known }, null, null],
  ['off, as before', { lfs: 'off' }, null, undefined],
])('What is remembered after %s', (_, mirror, outcome, expected) => {
  expect(lfsStateAfter(mirrorWith(mirror), outcome)).toEqual(expected);
});

it('Two hundred failures are remembered; with more, the next run looks at everything', () => {
  const after = (count: number) =>
    lfsStateAfter(mirrorWith({ lfsState: known }), outcomeWith({ failed: count, failures: failures(count) }));
  expect(after(200)).toMatchObject({ everything: false });
  expect(after(200)?.failed).toHaveLength(200);
  expect(after(201)).toMatchObject({ everything: true });
  expect(after(201)?.failed).toHaveLength(200);
  const state = after(3) as LfsState;
  expect(lfsInputOf(mirrorWith({ lfsState: state }))?.failedBefore).toEqual(
    failures(3).map(({ oid: name, size }) => ({ oid: name, size })),
  );
});
