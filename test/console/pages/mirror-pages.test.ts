import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleLimits } from '../../../lib/console/console-limits.ts';
import type { Mirror, MirrorStatus } from '../../../lib/model/mirror.ts';
import { emptyOutcome } from '../../support/api.ts';
import { type Browser, chosenIn, nonceOf, startTestConsole, type TestConsole } from '../../support/console.ts';
import { sampleMirror, sampleRefs, sampleRun } from '../../support/sample-records.ts';

let site: TestConsole;
let owner: Browser;
beforeAll(async () => {
  site = await startTestConsole();
  owner = await site.signedIn();
});
afterAll(() => site.close());

const script = '<script>alert(1)</script>';
const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

async function projectWithMirror(
  settings: Partial<Parameters<typeof sampleMirror>[0]> = {},
): Promise<{ id: number; mirror: Mirror; path: string }> {
  const { id } = await site.api.newProject();
  const direction = 'push';
  const made = await site.deps.records.mirrors.create(id, direction, sampleMirror(settings), { now: Date.now(), dueAt: Date.now() });
  if (made === undefined || made === 'exists') throw new Error('no mirror');
  return { id, mirror: made, path: `/projects/${id}/mirrors/${made.mirror}` };
}

function mirrorOf({ projectId, mirror }: Mirror): Promise<Mirror | undefined> {
  return site.deps.records.mirrors.get({ projectId, mirror });
}

/** A run begins; `settle` ends it. */
async function begin(mirror: Mirror): Promise<void> {
  const { jobs } = site.deps;
  const now = Date.now();
  const trigger = { kind: 'manual', who: 'tester' } as const;
  await jobs.request(mirror, { trigger, now, startAt: now, confirmDeletions: false, resume: false });
  await jobs.acquire(mirror, { token: 'held', now });
  await jobs.begin(mirror, 'held', now);
}

async function settle(mirror: Mirror, status: Partial<MirrorStatus>): Promise<void> {
  const now = Date.now();
  await site.deps.jobs.release(mirror, 'held', { status: { updateStatus: 'finished', ...status }, now, nextDueAt: null, followUpAt: now });
}

/** A run ends that held so many deletions back. */
async function holdBack(mirror: Mirror, count: number): Promise<void> {
  await begin(mirror);
  const { refs: _, ...lastRun } = sampleRun({ id: '1-held' });
  await settle(mirror, { heldBackDeletions: count, lastRun });
}

const plainForm = {
  direction: 'push',
  url: 'https://mirror.example/a/b.git',
  auth: 'none',
  branches: 'all',
  tags: 'all',
  lfs: 'auto',
  enabled: 'true',
};

describe('roles', () => {
  const forms = ['new', '1/edit', '1/pause', '1/resume', '1/rotate-key', '1/delete', '1/update'];

  it.each(forms)('keep readers from posting mirrors/%s, and from other projects altogether', async (form) => {
    const { id, mirror } = await projectWithMirror();
    const path = `/projects/${id}/mirrors/${form.replace(/^1/, String(mirror.mirror))}`;
    const reader = await site.signedIn(await site.api.newToken('reporter'));
    expect((await reader.post(path, plainForm)).status).toBe(403);
    const stranger = await site.signedIn(await site.api.newToken('owner', { projectIds: [id + 1000] }));
    expect((await stranger.post(path, plainForm)).status).toBe(404);
    expect(await mirrorOf(mirror)).toMatchObject({ enabled: true, requestedSeq: 0, url: mirror.url });
  });

  it.each(['protected-branches', 'hooks', 'hooks/1/rotate', 'hooks/1/delete'])('keep readers from posting %s', async (form) => {
    const { id } = await site.api.newProject();
    const reader = await site.signedIn(await site.api.newToken('reporter'));
    expect((await reader.post(`/projects/${id}/${form}`, { name: 'main', provider: 'github' })).status).toBe(403);
  });

  it('show no URL and no form to readers, anywhere', async () => {
    const { id, mirror, path } = await projectWithMirror();
    const run = sampleRun({ outcome: 'failed', error: { code: 'dns_failed', message: `no address for mirror.example`, hint: '' } });
    await site.deps.records.runs.put(mirror.id, run);
    const reader = await site.signedIn(await site.api.newToken('reporter'));
    for (const page of [`/projects/${id}`, path, `${path}/runs/${run.id}`]) {
      const { status, text } = await reader.get(page);
      expect(status).toBe(200);
      expect(text).not.toContain('mirror.example');
      expect(text).not.toContain('git.example.org');
      expect(text.match(/action="(?!\/sign-out)[^"]*"/g)).toBeNull();
    }
    for (const page of [`${path}/edit`, `${path}/delete`, `/projects/${id}/mirrors/new`]) expect((await reader.get(page)).status).toBe(403);
  });

  it.each(['', '/mirrors/new', '/mirrors/1', '/mirrors/1/edit', '/mirrors/1/runs/1-x', '/mirrors/pull', '/activity'])(
    'answer 404 for %s below a project of others, as below one that is not there',
    async (below) => {
      const { id } = await site.api.newProject();
      const stranger = await site.signedIn(await site.api.newToken('maintainer', { projectIds: [id + 1000] }));
      for (const project of [id, 999_999]) expect((await stranger.get(`/projects/${project}${below}`)).status).toBe(404);
    },
  );

  it('decide over what is offered: settings to owners of everything, editing a project to its owners', async () => {
    const { id } = await site.api.newProject();
    const offered = async (token: string): Promise<readonly boolean[]> => {
      const { text } = await (await site.signedIn(token)).get(`/projects/${id}`);
      return [text.includes('href="/settings"'), text.includes(`href="/projects/${id}/edit"`)];
    };
    expect(await offered(site.api.ownerToken)).toEqual([true, true]);
    expect(await offered(await site.api.newToken('owner', { projectIds: [id] }))).toEqual([false, true]);
    for (const role of ['maintainer', 'reporter'] as const) expect(await offered(await site.api.newToken(role))).toEqual([false, false]);
  });

  it('refuse what another site posts', async () => {
    const { mirror, path } = await projectWithMirror();
    const answer = await owner.post(`${path}/delete`, {}, { headers: { origin: 'https://evil.example' } });
    expect(answer.status).toBe(403);
    expect(await mirrorOf(mirror)).toBeDefined();
  });
});

describe('parts of pages', () => {
  it('are sent alone to the page that asks for them', async () => {
    const { id, path } = await projectWithMirror();
    for (const [page, target] of [
      [path, 'updates'],
      [`/projects/${id}`, 'mirrors'],
    ] as const) {
      const part = await owner.get(page, { headers: { 'hx-request': 'true', 'hx-target': target } });
      expect([part.status, part.text.includes('<html'), part.text.includes(`id="${target}"`)]).toEqual([200, false, true]);
      expect((await owner.get(page)).text).toContain('<html');
    }
  });

  it.each([
    ['a mirror', 'updates', (_: number, path: string) => path],
    ['a project', 'mirrors', (id: number) => `/projects/${id}`],
  ])('of %s ask for themselves as long as something runs, and show what is now', async (_, target, pageOf) => {
    const { id, mirror, path } = await projectWithMirror();
    const page = pageOf(id, path);
    const part = async (): Promise<string> => (await owner.get(page, { headers: { 'hx-request': 'true', 'hx-target': target } })).text;
    const polling = new RegExp(
      `id="${target}"[^>]*hx-get="${page}"[^>]*hx-trigger="every \\d+s"[^>]*hx-target="#${target}"[^>]*hx-swap="outerHTML"`,
    );
    const announced = async (): Promise<string> => /data-announce="([^"]*)"/.exec(await part())?.[1] ?? '';
    expect(await part()).not.toContain('hx-get');
    await begin(mirror);
    expect((await owner.get(page)).text).toMatch(polling);
    expect(await part()).toMatch(polling);
    expect(await announced()).toMatch(/Running$/);
    await site.deps.records.settings.update({ silentModeEnabled: true });
    expect(await part()).not.toContain('hx-get');
    await site.deps.records.settings.update({ silentModeEnabled: false });
    await settle(mirror, { heldBackDeletions: 12 });
    expect(await part()).not.toContain('hx-get');
    expect(await announced()).toMatch(/Healthy$/);
    expect(await part()).toContain(`href="${path}/delete-held-back"`);
  });

  it('of a history stay on their page', async () => {
    const { mirror, path } = await projectWithMirror();
    const ids = Array.from({ length: consoleLimits.historyRuns + 2 }, (_, n) => String(1000 + n));
    await Promise.all(ids.map((id) => site.deps.records.runs.put(mirror.id, sampleRun({ id: `${id}-run` }))));
    await begin(mirror);
    const headers = { 'hx-request': 'true', 'hx-target': 'updates' };
    const [first, second] = [await owner.get(path, { headers }), await owner.get(`${path}?page=2`, { headers })];
    expect(first.text).toContain(`href="${path}?page=2" rel="next"`);
    expect(second.text).toContain(`hx-get="${path}?page=2"`);
    expect(second.text).toContain(`href="${path}?page=1" rel="prev"`);
    const shown = ({ text }: { readonly text: string }) => [...text.matchAll(/id="run-(\d+)-run"/g)].map(([, id]) => id);
    expect([...shown(first), ...shown(second)]).toEqual(ids.reverse());
  });

  it('offer nothing to delete where nothing is held back, and never repeat a password', async () => {
    const { id, path } = await projectWithMirror();
    expect((await owner.get(path)).text).not.toContain('delete-held-back');
    const form = { ...plainForm, url: 'https://nonsense/', auth: 'password', password: 'hunter-22-typed', lfs: 'off' };
    const { status, text } = await owner.post(`/projects/${id}/mirrors/new`, form);
    expect([status, text.includes('hunter-22-typed')]).toEqual([400, false]);
    expect(text).toMatch(/value="https:\/\/nonsense\/"/);
    expect(text).toMatch(/<option value="off" selected|value="off"[^>]*checked|checked[^>]*value="off"/);
  });
});

describe('what others wrote', () => {
  it('is text on every page: refs, reasons, errors, hook words, names of tokens', async () => {
    const { id, mirror, path } = await projectWithMirror({ mirrorBranchRegex: script });
    const refs = [{ ref: `refs/heads/${script}`, result: 'rejected', old: null, new: 'a'.repeat(40), reason: `${script} said the hook` }];
    const run = sampleRun({
      outcome: 'partial',
      refs,
      counts: { rejected: 1 },
      trigger: { kind: 'manual', who: script },
      error: { code: 'refs_rejected', message: script, hint: script },
      notes: [script],
    });
    await site.deps.records.runs.put(mirror.id, run);
    await site.deps.records.activity.add(id, run.id, [
      {
        at: Date.now(),
        mirrorId: mirror.id,
        direction: 'push',
        runId: run.id,
        ref: `refs/heads/${script}`,
        result: 'created',
        old: null,
        new: null,
      },
    ]);
    await site.deps.records.projects.protectBranch(id, script);
    for (const page of [`/projects/${id}`, `/projects/${id}/activity`, path, `${path}/edit`, `${path}/runs/${run.id}`]) {
      const { status, text } = await owner.get(page);
      expect(status).toBe(200);
      expect(text).not.toContain(script);
      expect(text).toContain('&lt;script&gt;alert(1)');
    }
  });
});

describe('a mirror', () => {
  it('is made once by a form that is sent twice at the same time', async () => {
    const { id } = await site.api.newProject();
    const form = { ...plainForm, form_nonce: nonceOf(await owner.get(`/projects/${id}/mirrors/new`)) };
    const answers = await Promise.all([owner.post(`/projects/${id}/mirrors/new`, form), owner.post(`/projects/${id}/mirrors/new`, form)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect(await site.deps.records.mirrors.ofProject(id)).toHaveLength(1);
  });

  it('keeps what stands in front of the @ of its URL out of every page', async () => {
    const { id } = await site.api.newProject();
    const url = 'https://me:s3cret-word@mirror.example/a/b.git';
    const refused = await owner.post(`/projects/${id}/mirrors/new`, { ...plainForm, url, branches: 'regex', mirror_branch_regex: '(?=x)' });
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('value="https://mirror.example/a/b.git"');
    expect(refused.text).not.toContain('s3cret-word');
    const saved = await owner.post(`/projects/${id}/mirrors/new`, { ...plainForm, url });
    expect(saved.status).toBe(303);
    const [mirror] = await site.deps.records.mirrors.ofProject(id);
    expect(mirror).toMatchObject({ url: 'https://mirror.example/a/b.git', credential: { kind: 'own' } });
  });

  it('of a project that has one already is no second pull mirror', async () => {
    const { id } = await site.api.newProject();
    const form = { ...plainForm, direction: 'pull' };
    expect((await owner.post(`/projects/${id}/mirrors/new`, form)).status).toBe(303);
    const again = await owner.post(`/projects/${id}/mirrors/new`, { ...form, url: 'https://other.example/x.git' });
    expect(again.status).toBe(400);
    expect(await site.deps.records.mirrors.get({ projectId: id, mirror: 'pull' })).toMatchObject({ url: plainForm.url });
  });

  it('with a key of its own waits for the host to know the key', async () => {
    const { id } = await site.api.newProject();
    const form = { ...plainForm, url: 'ssh://git@mirror.example/a/b.git', auth: 'ssh_public_key', host_keys: hostKey };
    const answer = await owner.post(`/projects/${id}/mirrors/new`, form);
    expect(answer.location).toMatch(/\?start=1$/);
    const [mirror] = await site.deps.records.mirrors.ofProject(id);
    expect(mirror).toMatchObject({ enabled: false, requestedSeq: 0 });
    const page = await owner.get(answer.location ?? '');
    expect(page.text).toContain(mirror?.publicKey ?? 'no key');
    await owner.post(`/projects/${id}/mirrors/${mirror?.mirror}/resume`);
    expect(await mirrorOf(mirror as Mirror)).toMatchObject({ enabled: true, requestedSeq: 1 });
  });

  it('is not saved with host keys that were detected and not compared; they stay to be compared', async () => {
    const { id } = await site.api.newProject();
    const form = {
      ...plainForm,
      url: 'ssh://git@mirror.example/a/b.git',
      host_keys: `mirror.example ${hostKey}`,
      host_keys_detected: 'true',
    };
    for (const step of ['save', 'preview']) {
      const answer = await owner.post(`/projects/${id}/mirrors/new`, { ...form, step });
      expect(answer.text).toContain('name="host_keys_detected"');
      expect(answer.text).toContain('SHA256:');
    }
    expect(await site.deps.records.mirrors.ofProject(id)).toEqual([]);
    expect((await owner.post(`/projects/${id}/mirrors/new`, { ...form, host_keys_confirmed: 'true' })).status).toBe(303);
  });

  it('is not overwritten by a form that was opened before somebody else saved', async () => {
    const { mirror, path } = await projectWithMirror();
    const version = /name="version" value="([^"]+)"/.exec((await owner.get(`${path}/edit`)).text)?.[1] ?? '';
    await site.deps.records.mirrors.update(mirror, { keepDivergentRefs: true }, { resetStatus: false });
    const form = { ...plainForm, auth: 'keep', url: mirror.url, version };
    const stale = await owner.post(`${path}/edit`, form);
    expect(stale.status).toBe(400);
    expect(await mirrorOf(mirror)).toMatchObject({ keepDivergentRefs: true });
    const again = /name="version" value="([^"]+)"/.exec(stale.text)?.[1] ?? '';
    expect((await owner.post(`${path}/edit`, { ...form, delete_ambiguous_refs: 'true', version: again })).status).toBe(303);
    expect(await mirrorOf(mirror)).toMatchObject({ keepDivergentRefs: false, deleteAmbiguousRefs: true });
    expect((await owner.get(`${path}/edit`)).text).toMatch(/name="delete_ambiguous_refs"[^>]* checked/);
  });

  it('that was deleted in another tab is a page that says so, whatever is pressed', async () => {
    const { mirror, path } = await projectWithMirror();
    await site.deps.records.mirrors.delete(mirror);
    for (const action of ['edit', 'pause', 'resume', 'delete', 'update', 'rotate-key']) {
      const answer = await owner.post(`${path}/${action}`, plainForm);
      expect(answer.status).toBe(404);
      expect(answer.text).toContain('deleted');
    }
  });

  it('is asked for one run by a double click', async () => {
    const { mirror, path } = await projectWithMirror();
    await Promise.all([owner.post(`${path}/update`), owner.post(`${path}/update`)]);
    expect(await mirrorOf(mirror)).toMatchObject({ queuedAt: expect.any(Number), leaseToken: null });
    expect((await site.api.wakeUps()).filter(({ mirror: id }) => id === mirror.mirror)).toHaveLength(1);
  });
});

describe('deletions that were held back', () => {
  it('go through only after a page has asked, and to readers nothing is offered', async () => {
    const { id, mirror, path } = await projectWithMirror();
    const reader = await site.signedIn(await site.api.newToken('reporter'));
    expect((await owner.get(`${path}/delete-held-back`)).location).toBe(path);
    await holdBack(mirror, 12);
    const page = await owner.get(`/projects/${id}`);
    expect(page.text).toContain(`href="${path}/delete-held-back"`);
    expect(page.text).not.toContain('confirm_deletions');
    const question = await owner.get(`${path}/delete-held-back`);
    expect(question.text).toContain('Delete 12 refs at the target?');
    expect(question.text).toContain(`${path}/runs/1-held?result=kept#refs`);
    const fields = Object.fromEntries(
      [...question.text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map((found) => found.slice(1)),
    );
    expect((await owner.post(/<form method="post" action="([^"]+\/update)"/.exec(question.text)?.[1] ?? '', fields)).location).toBe(path);
    expect(await site.deps.jobs.acquire(mirror, { token: 'next', now: Date.now() })).toMatchObject({ runConfirmDeletions: true });
    expect((await reader.get(`/projects/${id}`)).text).not.toContain('delete-held-back');
    expect((await reader.get(`${path}/delete-held-back`)).status).toBe(403);
  });
});

describe('the form', () => {
  it('previews and plans without storing anything, and asks with what was typed', async () => {
    const { id } = await site.api.newProject();
    let planned: unknown;
    site.api.listSource = async () => ({ branches: ['main', 'topic'], tags: ['v1'] });
    site.api.plan = async ({ mirror, credential }) => {
      planned = [mirror.url, mirror.mirrorBranchRegex, credential?.password];
      return { ...emptyOutcome, counts: { ...emptyOutcome.counts, created: 12, forced: 1, deleted: 3 } };
    };
    const form = { ...plainForm, auth: 'password', username: 'me', password: 'pw-typed', branches: 'regex', mirror_branch_regex: '^main$' };
    const preview = await owner.post(`/projects/${id}/mirrors/new`, { ...form, step: 'preview' });
    expect(preview.text).toContain('1 of 2 branches');
    const plan = await owner.post(`/projects/${id}/mirrors/new`, { ...form, step: 'plan' });
    expect(plan.text).toContain('The run would create 12, force 1, delete 3.');
    expect(planned).toEqual([plainForm.url, '^main$', 'pw-typed']);
    expect(preview.text + plan.text).not.toContain('pw-typed');
    expect(await site.deps.records.mirrors.ofProject(id)).toEqual([]);
  });

  it('keeps what was chosen after an error', async () => {
    const { id } = await site.api.newProject();
    const credential = async (name: string): Promise<string> =>
      String(
        (
          await site.api.call('POST', '/credentials', {
            body: { name, auth_method: 'password', password: 'x', allowed_urls: ['https://m.example.org/'] },
          })
        ).body.id,
      );
    await credential('one');
    const chosen = await credential('two');
    await credential('three');
    const { enabled: _, ...paused } = plainForm;
    const sent = {
      ...{ ...paused, auth: 'shared', credential_id: chosen, key_type: 'rsa', tags: 'none', lfs: 'on' },
      ...{ branches: 'regex', mirror_branch_regex: '(?=x)', keep_divergent_refs: 'true', lfs_url: 'https://lfs.example/x' },
    };
    const { status, text } = await owner.post(`/projects/${id}/mirrors/new`, sent);
    expect(status).toBe(400);
    expect(chosenIn(text)).toMatchObject({
      ...{ url: plainForm.url, mirror_branch_regex: '(?=x)', lfs_url: 'https://lfs.example/x' },
      ...{
        auth: 'shared',
        credential_id: chosen,
        key_type: 'rsa',
        tags: 'none',
        lfs: 'on',
        branches: 'regex',
        keep_divergent_refs: 'true',
      },
    });
    expect(chosenIn(text)).not.toHaveProperty('enabled');
  });

  it('of an existing mirror shows its rules, and keeps its direction and choices after an error', async () => {
    const rules = {
      mirrorBranchRegex: '^main$',
      mirrorTags: '^v',
      lfs: 'on',
      lfsUrl: 'https://lfs.example/x',
      keepDivergentRefs: true,
    } as const;
    const { path } = await projectWithMirror(rules);
    const shown = chosenIn((await owner.get(`${path}/edit`)).text);
    expect(shown).toMatchObject({
      ...{ direction: 'push', auth: 'keep', branches: 'regex', mirror_branch_regex: '^main$', tags: 'regex', mirror_tags: '^v' },
      ...{ lfs: 'on', lfs_url: 'https://lfs.example/x', keep_divergent_refs: 'true', enabled: 'true' },
    });
    const wrong = await owner.post(`${path}/edit`, { ...shown, direction: 'pull', mirror_tags: '(' });
    expect([wrong.status, chosenIn(wrong.text)]).toMatchObject([400, { ...shown, mirror_tags: '(' }]);
    const { id } = await site.api.newProject();
    const pull = { ...plainForm, direction: 'pull', mirror_overwrites_diverged_branches: 'true', tags: 'regex', mirror_tags: '(' };
    const again = await owner.post(`/projects/${id}/mirrors/new`, pull);
    expect([again.status, chosenIn(again.text)]).toMatchObject([400, pull]);
  });

  it.each([
    ['git@host.example:group/name.git', 'ssh://git@host.example/group/name.git'],
    ['host.example:name.git', 'ssh://host.example/name.git'],
  ])('offers the ssh:// form of %s', async (typed, form) => {
    const { id } = await site.api.newProject();
    const answer = await owner.post(`/projects/${id}/mirrors/new`, { ...plainForm, url: typed, step: 'check' });
    expect(answer.text).toContain(`name="use_url" value="${form}"`);
    const used = await owner.post(`/projects/${id}/mirrors/new`, { ...plainForm, url: typed, use_url: form });
    expect(used.text).toContain(`value="${form}"`);
  });
});

describe('a run', () => {
  it('is shown in pages, filtered by result, with old and new values', async () => {
    const { mirror, path } = await projectWithMirror();
    const refs = sampleRefs(600).map((ref, place) => (place === 599 ? { ...ref, result: 'rejected', reason: 'hook declined' } : ref));
    const run = sampleRun({ refs, outcome: 'partial', counts: { created: 599, rejected: 1 } });
    await site.deps.records.runs.put(mirror.id, run);
    const first = await owner.get(`${path}/runs/${run.id}`);
    expect(first.text.match(/<tr id="ref-/g)).toHaveLength(250);
    expect((await owner.get(`${path}/runs/${run.id}?page=3`)).text.match(/<tr id="ref-/g)).toHaveLength(100);
    const rejected = await owner.get(`${path}/runs/${run.id}?result=rejected`);
    expect(rejected.text.match(/<tr id="ref-/g)).toHaveLength(1);
    expect(rejected.text).toContain('hook declined');
    const created = await owner.get(`${path}/runs/${run.id}?result=created&page=2`);
    for (const link of ['result=created#refs" rel="prev"', 'result=created&amp;page=3#refs" rel="next"'])
      expect(created.text).toContain(`href="${path}/runs/${run.id}?${link}`);
    expect((await owner.get(`${path}/runs/1-nothing`)).status).toBe(404);
  });
});

describe('the activity of a project', () => {
  it('is shown in pages, newest first, and more of it is a link away', async () => {
    const { id, mirror } = await projectWithMirror();
    const entry = { mirrorId: mirror.id, direction: 'push', runId: '1-x', result: 'created', old: null, new: null } as const;
    const count = consoleLimits.activityPage + 1;
    const entries = Array.from({ length: count }, (_, n) => ({ ...entry, at: Date.now(), ref: `refs/heads/moved-${n}` }));
    const all = new RegExp(`href="/projects/${id}/activity">`);
    await site.deps.records.activity.add(id, '1-x', entries.slice(0, 1));
    expect((await owner.get(`/projects/${id}`)).text).not.toMatch(all);
    await site.deps.records.activity.add(id, '2-x', entries.slice(1));
    expect((await owner.get(`/projects/${id}`)).text).toMatch(all);
    const shown = async (page: number) =>
      [...(await owner.get(`/projects/${id}/activity?page=${page}`)).text.matchAll(/>(moved-\d+)</g)].map(([, name]) => name);
    const pages = [await shown(1), await shown(2)];
    expect(pages.map(({ length }) => length)).toEqual([consoleLimits.activityPage, 1]);
    expect(new Set(pages.flat()).size).toBe(count);
  });
});

describe('a run with LFS', () => {
  it('counts the objects and names those that could not be copied, at most 100', async () => {
    const { mirror, path } = await projectWithMirror();
    const lfsFailures = Array.from({ length: 101 }, (_, place) => ({
      ...{ oid: place.toString(16).padStart(64, '0'), size: 1500, code: 'lfs_object_missing', reason: `the source lacks it ${script}` },
      path: place === 0 ? `assets/${script}.psd` : null,
    }));
    const run = sampleRun({ outcome: 'partial', lfs: { moved: 7, skipped: 2, failed: 101, bytes: 3_400_000 }, lfsFailures });
    await site.deps.records.runs.put(mirror.id, run);
    const { text } = await owner.get(`${path}/runs/${run.id}`);
    expect(text).toContain('7 moved (3.4 MB), 2 there already, 101 failed');
    expect(text).toContain('assets/&lt;script&gt;');
    expect(text.match(/the source lacks it/g)).toHaveLength(100);
    expect(text).toContain('and 1 more');
    expect(text).not.toContain(script);
    await site.deps.records.runs.put(mirror.id, sampleRun({ id: '1-without', lfs: null }));
    expect((await owner.get(`${path}/runs/1-without`)).text).not.toContain('LFS');
  });
});

describe('webhooks and branches', () => {
  it('show a secret once', async () => {
    const { id } = await site.api.newProject();
    const made = await owner.post(`/projects/${id}/hooks`, { provider: 'github', form_nonce: nonceOf(await owner.get(`/projects/${id}`)) });
    const secret = /id="hook-secret"[^>]*>\s*<bdi>([^<\s]+)/.exec(made.text)?.[1] ?? '';
    expect(secret.length).toBeGreaterThan(20);
    expect(made.text).toContain('Payload URL');
    expect((await owner.get(`/projects/${id}`)).text).not.toContain(secret);
    const [hook] = await site.deps.records.hooks.ofProject(id);
    const rotated = await owner.post(`/projects/${id}/hooks/${hook?.id}/rotate`);
    expect(rotated.text).not.toContain(secret);
    expect((await owner.post(`/projects/${id}/hooks/${hook?.id}/delete`)).status).toBe(303);
    expect(await site.deps.records.hooks.ofProject(id)).toEqual([]);
  });

  it('protect names with wildcards and slashes, and say what is wrong with others', async () => {
    const { id } = await site.api.newProject();
    const path = `/projects/${id}/protected-branches`;
    await owner.post(path, { name: 'release/*', step: 'add' });
    expect((await site.deps.records.projects.get(id))?.protectedBranches).toMatchObject([{ name: 'release/*' }]);
    await owner.post(path, { name: 'two words', step: 'add' });
    expect((await owner.get(`/projects/${id}`)).text).toContain('message-failed');
    await owner.post(path, { name: 'release/*', step: 'remove' });
    expect((await site.deps.records.projects.get(id))?.protectedBranches).toEqual([]);
  });
});
