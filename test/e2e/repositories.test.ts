import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { git, refsOf } from '../support/git.ts';
import { line, resultsOf, scenario, started } from '../support/scenario.ts';
import { sync } from '../support/sync.ts';

const behind = { parents: line, source: { 'heads/main': 'c3', 'heads/y': 'y' }, target: { 'heads/main': 'c1' } } as const;
const inStep = { 'heads/main': 'c3', 'heads/y': 'y' };

/** Makes a clone of `from` with one commit of history at `path`. */
async function shallowClone(from: string, path: string): Promise<void> {
  await git(from, ['clone', '--quiet', '--bare', '--depth=1', '--no-single-branch', `file://${from}`, path]);
}

describe('unusual repositories', () => {
  it.each([
    ['SHA-1 into SHA-256', 'sha1', 'sha256'],
    ['SHA-256 into SHA-1', 'sha256', 'sha1'],
  ] as const)('of different object formats are refused: %s', async (_name, format, other) => {
    const made = await scenario({ ...behind, target: {}, format });
    await git(made.folder, ['init', '--quiet', '--bare', `--object-format=${other}`, join(made.folder, 't', 'other.git')]);
    const run = await sync(made.sourceUrl, made.targetServer.url('other.git'));
    expect([run.outcome, run.error?.code]).toEqual(['failed', 'object_format_mismatch']);
  });

  it.each([
    ['v2', false],
    ['v0', true],
  ])('a shallow source is refused (%s) and nothing is written', async (_name, v0Only) => {
    const made = await scenario({ ...behind, sourceServer: { v0Only } });
    await shallowClone(made.source, join(made.folder, 's', 'shallow.git'));
    const run = await sync(made.sourceServer.url('shallow.git'), made.targetUrl);
    expect([run.outcome, run.error?.code]).toEqual(['failed', 'source_shallow']);
    expect(await made.refs()).toEqual({ 'heads/main': 'c1' });
  });

  it('a shallow target gets what it lacks', async () => {
    const made = await scenario({ ...behind, target: { 'heads/main': 'c2' } });
    const shallow = join(made.folder, 't', 'shallow.git');
    await shallowClone(made.target, shallow);
    await git(shallow, ['config', 'receive.shallowUpdate', 'true']);
    const run = await sync(made.sourceUrl, made.targetServer.url('shallow.git'), ['--branch-regex', '^main$']);
    expect([run.outcome, resultsOf(run)]).toEqual(['success', ['updated heads/main']]);
    expect(await refsOf(shallow)).toEqual({ 'refs/heads/main': made.oid('c3') });
    expect(await git(shallow, ['fsck', '--strict', '--no-dangling'])).toBe('');
  });

  it('a target with alternates is not sent what it has through them', async () => {
    const made = await scenario({ ...behind, target: {} });
    await made.store.create(join(made.folder, 't', 'pool.git'), { refs: { 'refs/heads/main': 'c3', 'refs/heads/y': 'y' } });
    await mkdir(join(made.target, 'objects/info'), { recursive: true });
    await writeFile(join(made.target, 'objects/info/alternates'), `${join(made.folder, 't/pool.git/objects')}\n`);
    const run = await made.sync();
    expect(resultsOf(run)).toEqual(['created heads/main', 'created heads/y']);
    expect(await made.refs()).toEqual(inStep);
    expect(run.bytes).toBe(0);
    expect(made.sourceServer.log.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('a target that wants no thin packs gets whole ones', async () => {
    const made = await scenario(behind);
    let asked = '';
    const noThin = await started(join(made.folder, 't'), {
      intercept: async ({ response, service, isRpc }) => {
        if (isRpc || service !== 'git-receive-pack') return false;
        const advertisement = await fetch(`${made.targetUrl}/info/refs?service=git-receive-pack`).then((answer) => answer.text());
        response.setHeader('content-type', 'application/x-git-receive-pack-advertisement');
        response.end(
          advertisement.replace(/([0-9a-f]{4})([0-9a-f]{40} refs\/heads\/main\0)/, (_all, length: string, rest: string) => {
            return `${(Number.parseInt(length, 16) + 8).toString(16).padStart(4, '0')}${rest}no-thin `;
          }),
        );
        return true;
      },
    });
    const source = await started(join(made.folder, 's'), {
      onRequestBytes: (_service, chunk) => {
        asked += chunk.toString('latin1');
      },
    });
    const run = await sync(source.url('repo.git'), noThin.url('mirror.git'));
    expect(run.outcome).toBe('success');
    expect(await made.refs()).toEqual(inStep);
    expect(asked).toContain('command=fetch');
    expect(asked).not.toContain('thin-pack');
  });

  it('refs with names that git refuses are rejected, the others move', async () => {
    const made = await scenario(behind);
    // No git program lists such names: this source adds them to what git says.
    const wrong = ['refs/heads/a..b', 'refs/heads/x.lock', 'refs/tags/.dot', `refs/heads/${'l'.repeat(2000)}`];
    const listed = wrong.map((name) => encodePkt(`${made.oid('y')} ${name}\n`));
    const source = await started(join(made.folder, 's'), {
      transformAnswer: (_service, chunk) => {
        const isList = /^[0-9a-f]{4}[0-9a-f]{40} HEAD/.test(chunk.toString('latin1', 0, 60)) && chunk.toString('latin1').endsWith('0000');
        return isList ? Buffer.concat([chunk.subarray(0, -4), ...listed, flushPkt]) : chunk;
      },
    });
    const run = await sync(source.url('repo.git'), made.targetUrl);
    // A name that is too long is not kept whole.
    expect(resultsOf(run).map((result) => result.replace(/l{80,1000}…$/, 'long'))).toEqual(
      [
        ...['heads/a..b', 'heads/long', 'heads/x.lock', 'tags/.dot'].map((name) => `rejected ${name}`),
        'created heads/y',
        'updated heads/main',
      ].sort(),
    );
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'refs_rejected']);
    expect(await made.refs()).toEqual(inStep);
  });

  it('an unborn default branch and no refs at all on both ends is no failure of the target', async () => {
    const made = await scenario({ parents: line, source: {}, target: {} });
    expect((await made.sync()).error?.code).toBe('source_empty');
  });

  it('refs hidden by the target are neither seen nor lost', async () => {
    const made = await scenario({ ...behind, target: { 'heads/main': 'c1', 'heads/secret': 'c2' } });
    await appendFile(join(made.target, 'config'), '[transfer]\n\thideRefs = refs/heads/secret\n');
    const run = await made.sync();
    expect(resultsOf(run)).toEqual(['created heads/y', 'updated heads/main']);
    expect(await made.refs()).toEqual({ ...inStep, 'heads/secret': 'c2' });
  });
});
