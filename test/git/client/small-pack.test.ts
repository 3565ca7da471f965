import { describe, expect, it } from 'vitest';
import { SmallPack } from '../../../lib/git/client/small-pack.ts';
import { UploadPack } from '../../../lib/git/client/upload-pack.ts';
import type { Oid } from '../../../lib/git/object-id.ts';
import { transportTo } from '../../support/http-transport.ts';
import { line, type Scenario, scenario } from '../../support/scenario.ts';

const requestFor = ({ oid }: Scenario) => ({
  ...{ wants: [oid('c3') as Oid], haves: [oid('c1') as Oid], shallows: [], thinPack: false, ofsDelta: true },
});
const behind = { parents: line, source: { 'heads/main': 'c3' }, target: {} } as const;

describe('a small pack', () => {
  it('is read whole, and proves what its commits show', async () => {
    const made = await scenario(behind);
    const source = await UploadPack.open(transportTo(made.sourceUrl));
    const pack = await SmallPack.fetch(source, requestFor(made));
    expect([pack?.objects, pack?.wants.has(made.oid('c3') as Oid)]).toEqual([6, true]);
    const question = (commit: string, within: string) => ({ commit: made.oid(commit) as Oid, within: made.oid(within) as Oid });
    const proven = await pack?.prove([question('c1', 'c3'), question('x', 'c3')]);
    expect([...(proven?.values() ?? [])]).toEqual(['yes']);
  });

  it('that the source sends a byte now and then ends with timed_out, and is not asked for again', async () => {
    const made = await scenario({ ...behind, sourceServer: { answerBytesPerSecond: 400 } });
    const source = await UploadPack.open(transportTo(made.sourceUrl));
    const fetching = SmallPack.fetch(source, requestFor(made), { bytes: 100_000, inMs: 150 });
    await expect(fetching).rejects.toMatchObject({ code: 'timed_out', message: expect.stringContaining('the pack from the source') });
    expect(made.sourceServer.log.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is nothing where the source does not give it', async () => {
    const made = await scenario(behind);
    const source = await UploadPack.open(transportTo(made.sourceUrl));
    expect(await SmallPack.fetch(source, { ...requestFor(made), wants: ['1'.repeat(40) as Oid] })).toBeUndefined();
  });
});

it('An answer to a short question that comes a byte now and then ends with timed_out', async () => {
  const made = await scenario({ ...behind, sourceServer: { answerBytesPerSecond: 400 } });
  const source = await UploadPack.open(transportTo(made.sourceUrl));
  const read = async (): Promise<void> => {
    const request = { ...requestFor(made), done: true };
    const answer = await source.fetch(request, { patient: false, leastRate: { bytes: 100_000, inMs: 150 } });
    for await (const _ of answer.pack) {
      // Nothing to do with it.
    }
  };
  await expect(read()).rejects.toMatchObject({ code: 'timed_out', message: expect.stringContaining("the source's answer") });
});
