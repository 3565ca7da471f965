/** docs/requests.md: what a run asks both ends, request by request. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { LoggedRequest } from '../support/git-http-server.ts';
import { lfsScenario } from '../support/lfs-scenario.ts';
import { line, type ScenarioSpec, scenario } from '../support/scenario.ts';
import { narrowInput, sync, syncOnce } from '../support/sync.ts';

type Servers = Readonly<Record<'sourceServer' | 'targetServer', { readonly log: LoggedRequest[] }>>;

/** `source GET info/refs?service=git-upload-pack`, the source's requests first: those of both ends overlap. */
function trace({ sourceServer, targetServer }: Servers): string[] {
  const shown = (side: string, { log }: { readonly log: readonly LoggedRequest[] }): string[] =>
    log.map(({ method, url }) => {
      const [path = '', query] = url.split('?');
      const rest = path.replace(/^\/[\w-]+\.git\//, '').replace(/[0-9a-f]{64}/, 'OID');
      return `${side} ${method} ${rest}${query === undefined ? '' : `?${query}`}`;
    });
  return [...shown('source', sourceServer), ...shown('target', targetServer)];
}

async function ofRun(spec: Omit<ScenarioSpec, 'parents'>, options: readonly string[] = []): Promise<string[]> {
  const made = await scenario({ parents: line, ...spec });
  const outcome = await sync(made.sourceUrl, made.targetUrl, options);
  expect(outcome.outcome).toBe('success');
  return trace(made);
}

const advanced = { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' } };

const cases: Readonly<Record<string, () => Promise<string[]>>> = {
  'Nothing to do': () => ofRun({ source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c3' } }),
  'One commit, an ordinary run': () => ofRun(advanced),
  'One commit, an event soon after an ordinary run': async () => {
    const made = await scenario({ parents: line, ...advanced });
    const narrow = await narrowInput(made.sourceUrl, made.targetUrl, []);
    made.sourceServer.log.length = 0;
    made.targetServer.log.length = 0;
    const { way } = await syncOnce(made.sourceUrl, made.targetUrl, [], { narrow });
    expect(way.path).toBe('narrow');
    return trace(made);
  },
  'One commit, divergent refs are kept': () => ofRun(advanced, ['--keep-divergent-refs']),
  'One commit, a pull': () => ofRun(advanced, ['--direction', 'pull']),
  'One commit with one LFS object': async () => {
    const { source, target, sync: run, commit } = await lfsScenario();
    await commit({ 'readme.md': 'x' });
    await run();
    await commit({ 'a.bin': Buffer.from('a large file') });
    source.server.log.length = 0;
    target.server.log.length = 0;
    expect(await run()).toMatchObject({ outcome: 'success', lfs: { moved: 1 } });
    return trace({ sourceServer: source.server, targetServer: target.server });
  },
  'A first mirror': () => ofRun({ source: { 'heads/main': 'c3', 'tags/v': 'c1' }, target: {} }),
  'A deleted branch that is merged': () =>
    ofRun({ source: { 'heads/main': 'c3', 'heads/n': 'c3' }, target: { 'heads/main': 'c3', 'heads/n': 'c3', 'heads/old': 'c1' } }),
};

const page = await readFile(new URL('../../docs/requests.md', import.meta.url), 'utf8');
/** Heading → lines of its block, without what they say behind a colon. */
const documented = new Map(
  [...page.matchAll(/^## ([^\n]+)\n[^#]*?```text\n([^`]*)```/gm)].map(([, title = '', block = '']) => [
    title,
    block
      .trim()
      .split('\n')
      .map((entry) => entry.replace(/: .*/, '').trim()),
  ]),
);

it('The page has a trace for each of these runs, and no other', () => {
  expect([...documented.keys()]).toEqual(Object.keys(cases));
});

it.each(Object.entries(cases))('%s: these requests and no others', async (title, run) => {
  expect(await run()).toEqual(documented.get(title));
});
