import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSessionRecords } from '../../../lib/aws/instance/session-records.ts';
import { createRecordTable } from '../../../lib/aws/table/record-table.ts';
import { keys } from '../../../lib/aws/table/table.ts';
import type { SessionRecords } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';

let aws: TestAws;
let sessions: SessionRecords;
beforeAll(async () => {
  aws = await startTestAws();
  sessions = createSessionRecords(createRecordTable({ dynamo: aws.clients.dynamo, tableName: aws.tableName }));
});
afterAll(() => aws.close());

function sample(tokenId: number) {
  const now = Date.now();
  return { sessionHash: randomUUID(), tokenHash: 'hash', tokenId, createdAt: now, expiresAt: now + 10_000 };
}

describe('sessions', () => {
  it('are found by their hash until they are deleted, and carry the time to live in seconds', async () => {
    const session = sample(1);
    await sessions.create(session);
    expect(await sessions.find(session.sessionHash)).toEqual(session);
    const table = createRecordTable({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
    expect(await table.get(keys.session(session.sessionHash))).toMatchObject({ expires_at: Math.ceil(session.expiresAt / 1000) });
    await sessions.delete(session.sessionHash);
    expect(await sessions.find(session.sessionHash)).toBeUndefined();
    await sessions.delete(session.sessionHash);
  });

  it('of a person come back as they were, and end together with those of the same subject at the same issuer only', async () => {
    const person = { provider: 'kc', issuer: 'https://id.example/r', subject: 'a', name: 'Ada', groups: ['x'], signOutUrl: null };
    const times = { createdAt: Date.now(), expiresAt: Date.now() + 10_000 };
    const [one, second] = [1, 2].map(() => ({ ...times, sessionHash: randomUUID(), person }));
    const others = [
      { ...times, sessionHash: randomUUID(), person: { ...person, subject: 'b' } },
      { ...times, sessionHash: randomUUID(), person: { ...person, issuer: 'https://id.example/s' } },
      sample(4),
    ];
    for (const session of [one!, second!, ...others]) await sessions.create(session);
    expect(await sessions.find(one!.sessionHash)).toEqual(one);
    await sessions.deleteOfPerson(person);
    expect(await Promise.all([one!, second!].map(({ sessionHash }) => sessions.find(sessionHash)))).toEqual([undefined, undefined]);
    for (const session of others) expect(await sessions.find(session.sessionHash)).toEqual(session);
  });

  it('of one token end together, two of the same millisecond included', async () => {
    const [one, other, foreign] = [sample(2), sample(2), sample(3)];
    for (const session of [one, { ...other, createdAt: one.createdAt }, foreign]) await sessions.create(session);
    await sessions.deleteOfToken(2);
    expect(await sessions.find(one.sessionHash)).toBeUndefined();
    expect(await sessions.find(other.sessionHash)).toBeUndefined();
    expect(await sessions.find(foreign.sessionHash)).toBeDefined();
    await sessions.deleteOfToken(2);
  });

  it('take each form once, also when it is sent many times at once', async () => {
    const session = sample(4);
    const claims = await Promise.all(Array.from({ length: 5 }, () => sessions.claimForm(session, 'nonce')));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await sessions.claimForm(session, 'another')).toBe(true);
    expect(await sessions.claimForm(sample(4), 'nonce')).toBe(true);
  });
});
