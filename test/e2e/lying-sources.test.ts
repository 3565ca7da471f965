import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { git } from '../support/git.ts';
import type { GitHttpServerOptions } from '../support/git-http-server.ts';
import { type MadeEntry, makePack } from '../support/made-pack.ts';
import { line, type Scenario, type ScenarioSpec, scenario } from '../support/scenario.ts';

type Format = 'sha1' | 'sha256';

/** What a source sends instead of the commits between `within` and `commit`, which are not there. */
interface Facts {
  readonly within: Buffer;
  readonly parent: Buffer;
  readonly commit: Buffer;
  readonly commitOid: string;
}

const commitOf = (content: string | Buffer): MadeEntry => ({ type: 'commit', content: Buffer.from(content) });
const lies: Readonly<Record<string, (facts: Facts) => readonly MadeEntry[]>> = {
  'an empty pack': () => [],
  'commits of another history': ({ commit }) => [commitOf(commit.toString().replace(/^parent .*\n/gm, ''))],
  'a chain with a forged id': ({ within, commit, commitOid }) => [
    commitOf(within.toString().replace(/^parent .*$/m, `parent ${commitOid}`)),
    commitOf(commit),
  ],
  'a truncated chain': ({ within }) => [commitOf(within)],
  'a chain to another commit with the same message': ({ within, parent, commit }) => [
    commitOf(within),
    commitOf(parent),
    commitOf(commit.toString().replace(/^author .*$/m, 'author Other <o@e> 1 +0000')),
  ],
};

function packOf(entries: readonly MadeEntry[], format: Format): Buffer {
  const body = makePack(entries).subarray(0, -20);
  return Buffer.concat([body, createHash(format).update(body).digest()]);
}

/** Answers every fetch as if all were well, and counts how often. */
function liar(pack: () => Buffer, oids: () => readonly string[]): { readonly server: Omit<GitHttpServerOptions, 'root'>; told: number } {
  const liar = {
    told: 0,
    server: {
      intercept: async ({ request, response, isRpc }) => {
        if (!isRpc) return false;
        await once(request, 'readable');
        const body = (request.read() as Buffer | null) ?? Buffer.alloc(0);
        const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('latin1');
        if (!text.includes('command=fetch')) {
          request.unshift(body);
          return false;
        }
        request.resume();
        liar.told++;
        const acknowledged = [...oids().map((oid) => encodePkt(`ACK ${oid}\n`)), encodePkt('ready\n'), Buffer.from('0001')];
        const head = text.includes('done\n') ? [] : [encodePkt('acknowledgments\n'), ...acknowledged];
        const data = encodePkt(Buffer.concat([Buffer.from([1]), pack()]));
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
        response.end(Buffer.concat([...head, encodePkt('packfile\n'), data, flushPkt]));
        return true;
      },
    } satisfies Omit<GitHttpServerOptions, 'root'>,
  };
  return liar;
}

/** The target's own commits are x and y; the source has c1 to c3. */
const attacks: Readonly<Record<string, { readonly spec: Partial<ScenarioSpec>; readonly options?: readonly string[] }>> = {
  'the deletion of a branch': { spec: { target: { 'heads/main': 'c3', 'heads/own': 'y' } } },
  'the deletion of many branches': { spec: { target: { 'heads/main': 'c3', 'heads/a': 'x', 'heads/b': 'y' } } },
  'the deletion of a tag on a commit': { spec: { target: { 'heads/main': 'c3', 'tags/own': 'y' } } },
  'the deletion of a tag object': { spec: { target: { 'heads/main': 'c3', 'tags/own': 't' } } },
  'an overwrite of divergent refs that are to be kept': { spec: { target: { 'heads/main': 'y' } }, options: ['--keep-divergent-refs'] },
  'an overwrite by a pull': { spec: { target: { 'heads/main': 'y' } }, options: ['--direction', 'pull'] },
};

async function facts({ store }: Scenario): Promise<Facts> {
  const read = async (name: string): Promise<Buffer> => {
    const size = Number(await git(store.path, ['cat-file', '-s', store.oid(name)]));
    return Buffer.from(`${await git(store.path, ['cat-file', 'commit', store.oid(name)])}\n`).subarray(0, size);
  };
  return { within: await read('c3'), parent: await read('c2'), commit: await read('y'), commitOid: store.oid('y') };
}

describe.each(['sha1', 'sha256'] as const)('a source (%s) that sends', (format) => {
  describe.each(Object.entries(lies))('%s', (_lie, entries) => {
    it.each(Object.entries(attacks))('does not bring about %s', async (_attack, { spec, options = [] }) => {
      let [pack, oids]: [Buffer, readonly string[]] = [Buffer.alloc(0), []];
      const lying = liar(
        () => pack,
        () => oids,
      );
      const source = { 'heads/main': 'c3' };
      const made = await scenario({
        ...{ parents: line, objects: { t: { type: 'tag', of: 'y' } }, source, target: {}, format, sourceServer: lying.server },
        ...spec,
      });
      pack = packOf(entries(await facts(made)), format);
      oids = ['x', 'y', 't'].map(made.oid);
      const before = await made.refs();
      const run = await made.sync(...options);
      expect(await made.refs()).toEqual(before);
      expect(run.counts.deleted + run.counts.updated + run.counts.forced).toBe(0);
      expect(lying.told).toBeGreaterThan(0);
    });
  });
});
