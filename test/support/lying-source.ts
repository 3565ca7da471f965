/** Sources that answer every fetch as if all were well, and send what does not prove it: over HTTP and SSH, protocol v2 and v0. Their lists are true. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import type { ServerChannel } from 'ssh2';
import { onTestFinished } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { git } from './git.ts';
import type { GitHttpServerOptions } from './git-http-server.ts';
import { type MadeEntry, makePack } from './made-pack.ts';
import type { ObjectStore } from './repository.ts';
import { line, type ScenarioSpec, scenario } from './scenario.ts';
import { type SshTestServer, startSshTestServer } from './ssh-test-server.ts';

export type Format = 'sha1' | 'sha256';
export type Protocol = 'v0' | 'v2';

/** What a source sends instead of the commits between `within` and `commit`, which are not there. */
interface Facts {
  readonly within: Buffer;
  readonly parent: Buffer;
  readonly commit: Buffer;
  readonly commitOid: string;
}

const commitOf = (content: string | Buffer): MadeEntry => ({ type: 'commit', content: Buffer.from(content) });

export const lies: Readonly<Record<string, (facts: Facts) => readonly MadeEntry[]>> = {
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

export interface Attack {
  readonly target: ScenarioSpec['target'];
  /** Of the command. */
  readonly options?: readonly string[];
}

/** The target's own commits are x and y; the source has c1 to c3. */
export const attacks = {
  'the deletion of a branch': { target: { 'heads/main': 'c3', 'heads/own': 'y' } },
  'the deletion of many branches': { target: { 'heads/main': 'c3', 'heads/a': 'x', 'heads/b': 'y' } },
  'the deletion of a tag on a commit': { target: { 'heads/main': 'c3', 'tags/own': 'y' } },
  'the deletion of a tag object': { target: { 'heads/main': 'c3', 'tags/own': 't' } },
  'an overwrite of divergent refs that are to be kept': { target: { 'heads/main': 'y' }, options: ['--keep-divergent-refs'] },
  'an overwrite by a pull': { target: { 'heads/main': 'y' }, options: ['--direction', 'pull'] },
} as const satisfies Readonly<Record<string, Attack>>;

/** A scenario whose source has c3 on main, claims to know x, y and t, which only the target has, and lies as it is told. */
export async function lyingScenario(
  { target }: Attack,
  { format = 'sha1', protocol = 'v2' }: { readonly format?: Format; readonly protocol?: Protocol } = {},
) {
  const lying = new LyingSource(format, protocol);
  const objects = { t: { type: 'tag', of: 'y' } } as const;
  const made = await scenario({ parents: line, objects, source: { 'heads/main': 'c3' }, target, format, sourceServer: lying.http });
  const [within, parent, commit] = await Promise.all(['c3', 'c2', 'y'].map((name) => commitIn(made.store, name)));
  const facts = { within, parent, commit, commitOid: made.oid('y') } as Facts;
  const claimed = ['x', 'y', 't'].map(made.oid);
  return {
    ...made,
    lying,
    /** Resolves with how many fetches were answered before. */
    tell(lie: (facts: Facts) => readonly MadeEntry[]): number {
      lying.tell(lie(facts), claimed);
      return lying.told;
    },
  };
}

/** The content of a commit, by its name. */
export async function commitIn({ path, oid }: ObjectStore, name: string): Promise<Buffer> {
  const size = Number(await git(path, ['cat-file', '-s', oid(name)]));
  return Buffer.from(`${await git(path, ['cat-file', 'commit', oid(name)])}\n`).subarray(0, size);
}

export class LyingSource {
  /** How many fetches were answered. */
  told = 0;
  readonly #format: Format;
  readonly #protocol: Protocol;
  #pack: Buffer = Buffer.alloc(0);
  #claimed: readonly string[] = [];

  constructor(format: Format, protocol: Protocol) {
    this.#format = format;
    this.#protocol = protocol;
  }

  /** What is sent from now on, and what the source claims to have. */
  tell(entries: readonly MadeEntry[], claimed: readonly string[]): void {
    const body = makePack(entries).subarray(0, -20);
    this.#pack = Buffer.concat([body, createHash(this.#format).update(body).digest()]);
    this.#claimed = claimed;
  }

  get http(): Omit<GitHttpServerOptions, 'root'> {
    return {
      v0Only: this.#protocol === 'v0',
      intercept: async ({ request, response, isRpc, service }) => {
        if (!isRpc || service !== 'git-upload-pack') return false;
        await once(request, 'readable');
        const body = (request.read() as Buffer | null) ?? Buffer.alloc(0);
        const asked = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('latin1');
        if (!this.#isFetch(asked)) {
          request.unshift(body);
          return false;
        }
        request.resume();
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
        response.end(this.#answer(asked));
        return true;
      },
    };
  }

  /** The same source behind an SSH server that takes the password `word` of `ada`; ends with the test. */
  async ssh(): Promise<SshTestServer> {
    const server = await startSshTestServer({
      methods: ['password'],
      user: 'ada',
      password: 'word',
      acceptEnv: this.#protocol === 'v2',
      answers: { command: 'git-upload-pack', answer: (channel, command) => this.#serve(channel, /'(.*)'/.exec(command)?.[1] ?? '') },
    });
    onTestFinished(() => server.close());
    return server;
  }

  async #serve(channel: ServerChannel, repository: string): Promise<void> {
    const env = this.#protocol === 'v2' ? { GIT_PROTOCOL: 'version=2' } : {};
    const truth = (option: string, input: string): Promise<string> =>
      git(repository, ['-c', 'uploadpack.allowFilter=true', 'upload-pack', option, '.'], { input, env });
    const leave = (status = 0): void => {
      channel.exit(status);
      channel.end();
    };
    channel.write(await truth('--http-backend-info-refs', ''));
    let asked = '';
    for await (const chunk of channel) {
      asked += (chunk as Buffer).toString('latin1');
      if (asked === '0000') return leave();
      if (!this.#isWhole(asked)) continue;
      // git refuses a list that was asked for before it has named its object format.
      const answer = this.#isFetch(asked) ? this.#answer(asked) : await truth('--stateless-rpc', asked).catch(() => undefined);
      if (answer === undefined) return leave(128);
      channel.write(answer);
      asked = '';
    }
    leave();
  }

  #isFetch(asked: string): boolean {
    return this.#protocol === 'v0' || asked.includes('command=fetch');
  }

  #isWhole(asked: string): boolean {
    return this.#protocol === 'v2' ? asked.endsWith('0000') : /0000(?:.*have .*0000|.*0009done\n)$/s.test(asked);
  }

  #answer(asked: string): Buffer {
    this.told++;
    const isDone = asked.includes('done\n');
    const data = Buffer.concat([encodePkt(Buffer.concat([Buffer.from([1]), this.#pack])), flushPkt]);
    if (this.#protocol === 'v2') {
      const acknowledged = [...this.#claimed.map((oid) => encodePkt(`ACK ${oid}\n`)), encodePkt('ready\n'), Buffer.from('0001')];
      return Buffer.concat([...(isDone ? [] : [encodePkt('acknowledgments\n'), ...acknowledged]), encodePkt('packfile\n'), data]);
    }
    const known = this.#claimed.filter((oid) => asked.includes(`have ${oid}`));
    const common = known.map((oid) => encodePkt(`ACK ${oid} common\n`));
    const last = known.at(-1);
    if (!isDone) return Buffer.concat([...common, encodePkt(`NAK\n`)]);
    return Buffer.concat([...common, encodePkt(last === undefined ? 'NAK\n' : `ACK ${last}\n`), data]);
  }
}
