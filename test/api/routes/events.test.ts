import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('GET /projects/:id/events', () => {
  it('shows what moved, newest first, to any role', async () => {
    const { id } = await api.newProject();
    const at = Date.now();
    const move = (ref: string, time: number) =>
      ({
        at: time,
        mirrorId: 3,
        direction: 'push',
        runId: `${time}-x`,
        ref,
        result: 'updated',
        old: 'a'.repeat(40),
        new: 'b'.repeat(40),
      }) as const;
    await api.deps.records.activity.add(id, `${at - 5}-x`, [move('refs/heads/old', at - 5)]);
    await api.deps.records.activity.add(id, `${at}-x`, [move('refs/heads/main', at), move('refs/tags/v1', at)]);
    const answer = await api.call('GET', `/projects/${id}/events?per_page=2`, { token: await api.newToken('reporter') });
    expect(answer.body).toEqual(
      ['refs/heads/main', 'refs/tags/v1'].map((ref) => ({
        created_at: new Date(at).toISOString(),
        mirror_id: 3,
        direction: 'push',
        run_id: `${at}-x`,
        ref,
        result: 'updated',
        old: 'a'.repeat(40),
        new: 'b'.repeat(40),
      })),
    );
    expect([answer.headers.get('x-total'), answer.headers.get('x-next-page')]).toEqual(['3', '2']);
  });
});
