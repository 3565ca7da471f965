import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import type { Exchange } from '../support/git-http-server.ts';
import { line, type Scenario, scenario } from '../support/scenario.ts';

const base = { parents: line, source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c1' } } as const;

/** Adds a tag on a blob that is too large to be sent in one piece. */
async function addLargeTag({ folder, source }: Scenario): Promise<string> {
  const path = join(folder, 'random');
  await writeFile(path, randomBytes(3_000_000));
  const blob = await git(source, ['hash-object', '-w', path]);
  await git(source, ['update-ref', 'refs/tags/large', blob]);
  return blob;
}

describe('connections that break', () => {
  it('a target that hangs up on chunked requests gets the pack with its length', async () => {
    const hangUp = ({ request, isRpc }: Exchange): boolean => {
      const isRefused = isRpc && request.headers['transfer-encoding'] !== undefined;
      if (isRefused) request.socket.destroy();
      return isRefused;
    };
    const made = await scenario({ ...base, targetServer: { intercept: hangUp } });
    const blob = await addLargeTag(made);
    expect((await made.sync()).outcome).toBe('success');
    expect(await git(made.target, ['rev-parse', 'refs/tags/large'])).toBe(blob);
  });

  it.each(['source', 'target'] as const)('a %s that closes its connection once, when a request comes, is asked once more', async (side) => {
    let closed = 0;
    const closeOnce = ({ request, isRpc }: Exchange): boolean => {
      if (!isRpc || closed > 0) return false;
      closed++;
      request.socket.destroy();
      return true;
    };
    const made = await scenario({ ...base, [side === 'source' ? 'sourceServer' : 'targetServer']: { intercept: closeOnce } });
    expect((await made.sync()).outcome).toBe('success');
    expect(closed).toBe(1);
    expect(await made.refs()).toEqual({ 'heads/main': 'c3' });
  });

  it('a target that always closes is given up, with the refs as they were', async () => {
    const close = ({ request, service, isRpc }: Exchange): boolean => {
      const isPush = isRpc && service === 'git-receive-pack';
      if (isPush) request.socket.destroy();
      return isPush;
    };
    const made = await scenario({ ...base, targetServer: { intercept: close } });
    const run = await made.sync();
    expect([run.outcome, run.error?.code]).toEqual(['failed', 'connection_failed']);
    expect(await made.refs()).toEqual({ 'heads/main': 'c1' });
  });

  it('a source that falls silent does not hold up the end of a run that the target has refused', async () => {
    // The target refuses while the source owes most of its pack: nobody may wait for the rest.
    const refuse = ({ request, response, service, isRpc }: Exchange): boolean => {
      const isPush = isRpc && service === 'git-receive-pack';
      if (isPush) {
        request.resume();
        response.writeHead(403).end();
      }
      return isPush;
    };
    const made = await scenario({ ...base, sourceServer: { answerBytesPerSecond: 400_000 }, targetServer: { intercept: refuse } });
    await addLargeTag(made);
    const run = await made.sync('--timeout', '100');
    expect([run.outcome, run.error?.code]).toEqual(['failed', 'permission_denied']);
    expect(run.bytes).toBeLessThan(3_000_000);
  });
});
