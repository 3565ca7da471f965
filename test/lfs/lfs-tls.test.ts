/** Certificates of LFS servers that are wrong, at each place where one is met. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { copyObjects } from '../../lib/lfs/copy-objects.ts';
import { LfsServer } from '../../lib/lfs/lfs-server.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { startFaultServer } from '../support/fault-server.ts';
import { temporaryFolder } from '../support/git.ts';
import { type LfsServerOptions, lfsServer } from '../support/lfs-server.ts';
import { certificates, expiredAuthority, testAuthority } from '../support/tls.ts';

const object = Buffer.from('an object');
const secrets = { username: 'ada', password: 'hunter22' };

/** A host with this certificate. */
async function tlsHost(certificate: { readonly key: string; readonly cert: string }) {
  const server = await startFaultServer((_, response) => response.end(), certificate);
  onTestFinished(server.close);
  return server;
}

/** An end that is right, over plain HTTP. */
async function plainEnd(root: string, options: Omit<LfsServerOptions, 'root'>) {
  const lfs = lfsServer({ root, ...options });
  const server = await startFaultServer((request, response) => void lfs.handle({ request, response }));
  onTestFinished(server.close);
  return { ...lfs, url: `${server.origin}/app` };
}

type Place = 'source' | 'target' | 'download' | 'upload' | 'verify';

/** Copies the object with one place on a host of such a certificate. */
async function copyVia(place: Place, origin: string, authorities: string | undefined) {
  const { path, remove } = await temporaryFolder();
  onTestFinished(remove);
  const elsewhere: NonNullable<LfsServerOptions['alter']> = (answer) => ({
    ...answer,
    objects: answer.objects.map(({ actions, ...rest }: { actions: object }) => ({
      ...rest,
      actions: place in actions ? { ...actions, [place]: { href: `${origin}/o?signature=s`, header: { 'X-Signature': 'once' } } } : actions,
    })),
  });
  const ends = {
    source: await plainEnd(join(path, 'source'), { alter: elsewhere }),
    target: await plainEnd(join(path, 'target'), { alter: elsewhere, verify: true }),
  };
  const oid = await ends.source.put(object);
  const http = createHttpClient(createAddressGuard(['127.0.0.0/8']), authorities === undefined ? {} : { authorities });
  const deadline = createDeadline(20_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
  });
  const server = (side: 'source' | 'target') => {
    const { url } = parseRepositoryUrl(place === side ? `${origin}/app` : ends[side].url, 'TEST');
    return new LfsServer({ side, url, credential: secrets, lfsUrl: undefined }, { http, deadline, redactor: createRedactor([]) });
  };
  const objects = [{ oid, size: object.length }];
  const copied = await copyObjects({ objects, source: server('source'), target: server('target'), ref: undefined, onBytes: () => {} });
  return { copied, uploads: ends.target.log.filter(({ kind }) => kind === 'upload').length };
}

const kinds: Readonly<Record<string, readonly [keyof typeof certificates, authorities: string | undefined]>> = {
  'long expired': ['expired', expiredAuthority],
  'for another host': ['elsewhere', testAuthority],
  'of an unknown authority': ['loopback', undefined],
  'signed by itself': ['selfSigned', testAuthority],
};
const cases = (['source', 'target', 'download', 'upload', 'verify'] as const).flatMap((place) =>
  Object.entries(kinds).map(([words, [name, authorities]]) => [place, words, name, authorities] as const),
);

describe('a certificate that cannot be trusted, where an LFS object has to pass', () => {
  it.each(cases)('%s, %s: the object fails by code, once, and nothing is told', async (place, _, name, authorities) => {
    const host = await tlsHost(certificates[name]);
    const { copied, uploads } = await copyVia(place, host.origin, authorities);
    expect(copied).toMatchObject({ moved: 0, ended: undefined, failures: [{ code: 'tls_certificate_invalid' }] });
    expect(copied.failures[0]?.reason).not.toMatch(/hunter22|signature|once/);
    expect([host.requests, host.connections()]).toEqual([[], 1]);
    // What cannot be had is not asked for, and what cannot be verified was sent in good faith.
    expect(uploads).toBe(place === 'verify' ? 1 : 0);
  });

  it('is no matter where its authority is known', async () => {
    const host = await tlsHost(certificates.loopback);
    expect((await copyVia('verify', host.origin, testAuthority)).copied).toMatchObject({ moved: 1, failures: [] });
    expect(host.requests).toMatchObject([{ method: 'POST', url: '/o?signature=s', headers: { 'x-signature': 'once' } }]);
  });
});
