import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { receiveCodeCommitEvent } from '../../lib/webhook/code-commit.ts';
import { codeCommitSample } from './samples.ts';
import { startWebhookService, type WebhookService } from './webhook-service.ts';

const url = 'https://git-codecommit.us-east-2.amazonaws.com/v1/repos/MyDemoRepo';

let service: WebhookService;
beforeAll(async () => {
  service = await startWebhookService();
});
afterAll(() => service.close());

const receive = (event: unknown) => receiveCodeCommitEvent(event, { ...service.deps, projects: service.records.projects });

describe('receiveCodeCommitEvent', () => {
  it('asks for everything that the repository is the source of, and nothing else', async () => {
    const owner = await service.createProject(url);
    const pushOne = await service.createMirror(owner.id);
    const pushTwo = await service.createMirror(owner.id, { url: 'https://other.example.com/x.git', mirrorBranchRegex: '^release-' });
    const follower = await service.createProject('https://git.example.com/tools/anvil.git');
    const pull = await service.createMirror(follower.id, {
      direction: 'pull',
      url: 'ssh://APKAEXAMPLE@git-codecommit.us-east-2.amazonaws.com/v1/repos/MyDemoRepo',
    });
    const pushOfFollower = await service.createMirror(follower.id, { url });
    const elsewhere = await service.createProject(url.replace('us-east-2', 'eu-west-1'));
    const pushElsewhere = await service.createMirror(elsewhere.id);
    const all = [pushOne, pushTwo, pull, pushOfFollower, pushElsewhere];
    const seen = async () => Promise.all(all.map(async (mirror) => (await service.mirror(mirror)).requestedSeq));

    expect(await receive(codeCommitSample('reference-created'))).toMatchObject({ status: 'queued', mirrors: 2 });
    expect(await seen()).toEqual([1, 0, 1, 0, 0]);
    expect((await service.mirror(pull)).queuedTrigger).toEqual({ kind: 'event', who: 'code_commit' });
    expect(await service.messages()).toHaveLength(2);

    expect(await receive(codeCommitSample('reference-updated'))).toMatchObject({ status: 'merged', mirrors: 2 });
    expect(await receive(codeCommitSample('reference-deleted'))).toMatchObject({ status: 'queued', mirrors: 3 });
    expect(await seen()).toEqual([3, 1, 3, 0, 0]);

    // The look-up still finds it, but its URL has changed.
    await service.records.projects.update(owner.id, { repositoryUrl: 'https://git.example.com/moved.git' });
    await service.records.projects.delete(follower.id);
    expect(await receive(codeCommitSample('reference-created'))).toMatchObject({ status: 'ignored', mirrors: 0 });
  });

  const good = codeCommitSample('reference-created');
  it.each([
    ['an event that moves no ref', codeCommitSample('unreferenced-merge-commit-created')],
    ['another kind of event', { ...good, 'detail-type': 'CodeCommit Comment on Commit' }],
    ['no region', { ...good, region: undefined }],
    ['an empty region', { ...good, region: '' }],
    ['no repository', { ...good, detail: {} }],
    ['a repository that is a number', { ...good, detail: { repositoryName: 1, referenceFullName: 'refs/heads/x' } }],
    ['a repository that nobody mirrors', { ...good, detail: { repositoryName: 'none', referenceFullName: 'refs/heads/x' } }],
    ['no detail', { ...good, detail: null }],
    ['nothing', null],
    ['text', 'event'],
  ])('ignores %s', async (_, event) => {
    expect(await receive(event)).toMatchObject({ status: 'ignored', mirrors: 0, reason: expect.any(String) });
  });

  it('fails where the table cannot be reached, so that the event comes again', async () => {
    const projects = { ...service.records.projects, ofCodeCommit: () => Promise.reject(new GitferryError('storage_unavailable')) };
    await expect(receiveCodeCommitEvent(good, { ...service.deps, projects })).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});
