import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Credential } from '../../lib/credentials/credential.ts';
import { gitlabToken } from '../../lib/credentials/methods/gitlab-token.ts';
import type { Renewals, SignInMeans } from '../../lib/credentials/sign-in.ts';
import { credentialOf } from '../../lib/jobs/runs/credential-of.ts';
import { createRenewals } from '../../lib/jobs/runs/token-renewals.ts';
import type { HttpClient } from '../../lib/net/http-client.ts';
import { type GitlabTokenServer, startGitlabTokens } from '../support/gitlab-token-server.ts';
import { type JobBench, openJobBench } from '../support/job-bench.ts';
import { signInMeans } from '../support/sign-in-means.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

const now = Date.parse('2026-12-01T12:00:00Z');
const first = 'glpat-canary.first';
const minute = 60_000;

interface World {
  readonly gitlab: GitlabTokenServer;
  readonly id: number;
  readonly url: string;
}

async function world(expires: string | null, settings: Readonly<Record<string, string>> = { lifetime_days: '90' }): Promise<World> {
  const gitlab = await startGitlabTokens(first, expires);
  onTestFinished(() => gitlab.close());
  const secretName = await bench.secrets.create('credential', { username: 'oauth2', password: first });
  const { id } = await bench.records.credentials.create({
    ...{
      name: 'gitlab',
      authMethod: 'gitlab_token',
      settings,
      secretName,
      allowedUrls: [`${gitlab.origin}/`],
      createdAt: now,
      updatedAt: now,
    },
  });
  return { gitlab, id, url: `${gitlab.origin}/group/app.git` };
}

interface Process {
  readonly at: number;
  readonly renewals: Renewals;
  readonly means: SignInMeans;
}

/** A process of its own, at a time; `dies`: what each of its steps passes through. */
function process(at: number, dies: <T>(step: () => Promise<T>) => Promise<T> = (step) => step()): Process {
  const clock = { now: () => at, random: () => 0 };
  const real = createRenewals({ credentials: bench.records.credentials, secrets: bench.secrets, clock });
  const renewals: Renewals = {
    noteExpiry: (...input) => dies(() => real.noteExpiry(...input)),
    begin: (...input) => dies(() => real.begin(...input)),
    read: (...input) => dies(() => real.read(...input)),
    store: (...input) => dies(() => real.store(...input)),
  };
  const plain = signInMeans({ clock });
  const http: HttpClient = { ...plain.http, request: (request) => dies(() => plain.http.request(request)) };
  return { at, renewals, means: { ...plain, http, renewals } };
}

/** As a run does; a refusal by the host is followed by a second try. */
function signIn({ id, url }: World, { means }: Process, refused?: Credential) {
  return credentialOf(
    { kind: 'shared', credentialId: id },
    { url, writes: true, fresh: refused !== undefined, refused },
    { secrets: bench.secrets, credentials: bench.records.credentials, signIn: means, deadline: { signal: AbortSignal.timeout(60_000) } },
  ).then((usable) => usable!.value);
}

const recordOf = async ({ id }: World) => (await bench.records.credentials.get(id))!;
const storedBy = async (place: World) => (await bench.secrets.read((await recordOf(place)).secretName!, { fresh: true })) as Credential;

describe('a GitLab token', () => {
  it('is used as it is while it lasts, and its end is known', async () => {
    const place = await world('2027-03-01');
    expect(await signIn(place, process(now))).toEqual({ username: 'oauth2', password: first });
    expect((await recordOf(place)).expiresAt).toBe(Date.parse('2027-03-01T00:00:00Z'));
    expect(place.gitlab.calls).toEqual(['GET self']);
  });

  it('is renewed when a third of its life is left, with an end that is given, and stored', async () => {
    const place = await world('2026-12-20');
    const { password } = await signIn(place, process(now));
    expect(place.gitlab.calls).toEqual(['GET self', 'POST self/rotate']);
    expect(password).toBe(place.gitlab.alive());
    expect(place.gitlab.expiresAt()).toBe('2027-03-01');
    expect(await storedBy(place)).toEqual({ username: 'oauth2', password });
    expect(await recordOf(place)).toMatchObject({ expiresAt: Date.parse('2027-03-01T00:00:00Z'), renewingSince: null });
    expect((await signIn(place, process(now + minute))).password).toBe(password);
    expect(place.gitlab.calls.length).toBe(2);
  });

  it('is renewed once by many runs of many processes at the same time', async () => {
    const place = await world('2026-12-20');
    const processes = [1, 2, 3, 4].map(() => process(now));
    await Promise.all(processes.flatMap((each) => [signIn(place, each), signIn(place, each)]));
    expect(place.gitlab.calls.filter((call) => call.startsWith('POST')).length).toBe(1);
    expect((await signIn(place, process(now + minute), { username: 'oauth2', password: first })).password).toBe(place.gitlab.alive());
  });

  it('stays with those who may not renew it, and they are not asked again for an hour', async () => {
    const place = await world('2026-12-20');
    place.gitlab.mayRotate = false;
    const one = process(now);
    for (const _ of [1, 2, 3]) expect((await signIn(place, one)).password).toBe(first);
    expect(place.gitlab.calls.length).toBe(2);
  });

  it('that has expired or is revoked says so', async () => {
    const place = await world('2026-12-01');
    place.gitlab.revoke();
    await bench.records.credentials.update(place.id, { expiresAt: Date.parse('2026-12-01T00:00:00Z') });
    await expect(signIn(place, process(now), { username: 'oauth2', password: first })).rejects.toMatchObject({
      code: 'credential_expired',
    });
    const { means } = process(now);
    const { renewals: _, ...withoutStore } = means;
    await expect(signIn(place, { ...process(now), means: withoutStore })).rejects.toMatchObject({ code: 'credential_expired' });
  });

  it('whose new value is on its way when the connection breaks is said to be lost', async () => {
    const place = await world('2026-12-20');
    place.gitlab.cutsAnswer = true;
    const error = await signIn(place, process(now)).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'token_lost' });
    expect((error as Error).message).not.toMatch(/canary/);
  });

  it('that the store does not take is kept by the process, told, and stored as soon as it can be', { timeout: 60_000 }, async () => {
    const place = await world('2026-12-20');
    let broken = false;
    const one = process(now);
    const { store } = one.renewals;
    let stores = 0;
    Object.assign(one.renewals, {
      store: (...input: Parameters<typeof store>) => (++stores > 1 && broken ? Promise.reject(new Error('denied')) : store(...input)),
    });
    broken = true;
    const error = await signIn(place, one).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'token_not_stored' });
    expect((error as Error).message).not.toMatch(/canary/);
    broken = false;
    expect((await signIn(place, one)).password).toBe(place.gitlab.alive());
    expect((await storedBy(place)).password).toBe(place.gitlab.alive());
  });
});

class Dead extends Error {}

describe('a process that is killed while it renews a token', () => {
  /** Steps of an undisturbed renewal: each is killed before and after it has taken place. */
  const steps = ['self', 'note expiry', 'begin', 'read', 'store the old one', 'rotate', 'store the new one', 'note the new expiry'];
  const kills = steps.flatMap((step, at) => (['before', 'after'] as const).map((when) => [when, step, at] as const));

  it.each(kills)('%s the step "%s" leaves a token that works, or says that it was lost', { timeout: 60_000 }, async (when, step, at) => {
    const place = await world('2026-12-20');
    let count = 0;
    let isDead = false;
    const killed = process(now, async (run) => {
      if (isDead) throw new Dead();
      if (count++ === at) {
        if (when === 'after') await run();
        isDead = true;
        throw new Dead();
      }
      return run();
    });
    // The last one is a note that the next process makes up for.
    const ended = signIn(place, killed);
    await (step === 'note the new expiry' ? ended : expect(ended).rejects.toThrow());
    expect(count).toBe(at + 1);

    const next = process(now + 4 * minute);
    const isLost = (when === 'after' && step === 'rotate') || (when === 'before' && step === 'store the new one');
    if (isLost) {
      await expect(signIn(place, next, { username: 'oauth2', password: first })).rejects.toMatchObject({ code: 'token_lost' });
      return;
    }
    expect((await signIn(place, next)).password).toBe(place.gitlab.alive());
    expect((await storedBy(place)).password).toBe(place.gitlab.alive());
    expect(place.gitlab.calls.filter((call) => call.startsWith('POST')).length).toBe(1);
    expect((await recordOf(place)).renewingSince).toBeNull();
  });
});

describe('the fields of a GitLab token', () => {
  it.each(['0', '2', '366', 'x', '1e2', '-5'])('take no lifetime of %s days', (days) => {
    expect(gitlabToken.fields[0]?.fault(days)).toMatch(/from 3 to 365/);
  });
});
