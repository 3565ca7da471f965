import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../../lib/model/run.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

function newRun(startedAt: number, changes: Partial<Run> = {}): Run {
  return {
    id: `${startedAt}-lease`,
    trigger: { kind: 'event', who: 'github' },
    startedAt,
    finishedAt: startedAt + 1500,
    outcome: 'partial',
    error: { code: 'refs_rejected', message: 'Refused at https://m.example.org/a.git', hint: 'h' },
    counts: { created: 1, rejected: 1 },
    bytes: 77,
    notes: ['deletions_held_back'],
    refs: [{ ref: 'refs/heads/main', result: 'created', old: null, new: 'a'.repeat(40), reason: null }],
    refsTotal: 1,
    ...changes,
  };
}

describe.each(['remote_mirrors', 'mirror/pull'])('runs of %s', (kind) => {
  async function newMirror(): Promise<{ base: string; id: number }> {
    const { id: project } = await api.newProject();
    const base = `/projects/${project}/${kind}`;
    const made = await api.call(kind === 'mirror/pull' ? 'PUT' : 'POST', base, { body: { url: 'https://m.example.org/a.git' } });
    return { base: kind === 'mirror/pull' ? base : `${base}/${made.body.id}`, id: made.body.id };
  }

  it('are listed newest first, in pages, without their refs', async () => {
    const { base, id } = await newMirror();
    const start = Date.now() - 10_000;
    for (const offset of [0, 1, 2]) await api.deps.records.runs.put(id, newRun(start + offset));
    const answer = await api.call('GET', `${base}/runs?per_page=2`);
    expect(answer.body.map((run: { id: string }) => run.id)).toEqual([`${start + 2}-lease`, `${start + 1}-lease`]);
    expect([answer.headers.get('x-total'), answer.headers.get('x-next-page')]).toEqual(['3', '2']);
    expect(answer.body[0]).toEqual({
      id: `${start + 2}-lease`,
      trigger: { kind: 'event', who: 'github' },
      started_at: new Date(start + 2).toISOString(),
      finished_at: new Date(start + 1502).toISOString(),
      outcome: 'partial',
      error: { code: 'refs_rejected', message: 'Refused at https://m.example.org/a.git', hint: 'h' },
      counts: { created: 1, rejected: 1 },
      bytes: 77,
      path: 'ordinary',
      requests: null,
      duration_ms: 1500,
      lfs: null,
      slices: 0,
      notes: ['deletions_held_back'],
    });
  });

  it('hold every ref, when asked for one', async () => {
    const { base, id } = await newMirror();
    const run = newRun(Date.now());
    await api.deps.records.runs.put(id, run);
    const answer = await api.call('GET', `${base}/runs/${run.id}`);
    expect(answer.body).toMatchObject({ id: run.id, refs: run.refs, refs_total: 1, refs_truncated: false });
    expect(await api.call('GET', `${base}/runs/1-unknown`)).toMatchObject({ status: 404, body: { message: '404 Not Found' } });
  });

  it('stay under 5 MB, however many refs', async () => {
    const { base, id } = await newMirror();
    const refs = Array.from({ length: 10_000 }, (_, index) => ({
      ref: `refs/heads/${'x'.repeat(600)}${index}`,
      result: 'created',
      old: null,
      new: 'a'.repeat(40),
      reason: null,
    }));
    const run = newRun(Date.now(), { refs, refsTotal: 20_000 });
    await api.deps.records.runs.put(id, run);
    const answer = await api.call('GET', `${base}/runs/${run.id}`);
    expect(answer.text.length).toBeLessThan(5_000_000);
    expect(answer.body).toMatchObject({ refs_total: 20_000, refs_truncated: true });
    expect(answer.body.refs.length).toBeGreaterThan(5_000);
  });

  it('name no URL to reporters', async () => {
    const { base, id } = await newMirror();
    const run = newRun(Date.now());
    await api.deps.records.runs.put(id, run);
    const token = await api.newToken('reporter');
    for (const path of [`${base}/runs`, `${base}/runs/${run.id}`]) {
      const answer = await api.call('GET', path, { token });
      expect([answer.status, answer.text.includes('m.example.org')]).toEqual([200, false]);
    }
  });
});
