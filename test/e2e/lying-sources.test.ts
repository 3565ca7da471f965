/** A source that lies about its history moves nothing: five lies, six attacks, both object formats, over HTTP and SSH, protocol v2 and v0, by command and service. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gitferry } from '../support/command.ts';
import { type Attack, attacks, commitIn, type Format, LyingSource, lies, lyingScenario, type Protocol } from '../support/lying-source.ts';
import { line, type Scenario, scenario } from '../support/scenario.ts';
import { until } from '../support/service.ts';
import { createProject, ok, serviceScenario, untilSettled } from '../support/service-scenario.ts';
import { type RemoteEnd, syncEnds } from '../support/ssh-sync.ts';

type Way = 'HTTP' | 'SSH';
const ways: readonly (readonly [Way, Protocol])[] = [
  ['HTTP', 'v2'],
  ['HTTP', 'v0'],
  ['SSH', 'v2'],
  ['SSH', 'v0'],
];
const formats: readonly Format[] = ['sha1', 'sha256'];
const rows = ways.flatMap(([way, protocol]) => formats.map((format) => ({ way, protocol, format })));

/** The source as it is reached this way. */
async function sourceOver(way: Way, made: Scenario, lying: LyingSource): Promise<RemoteEnd> {
  if (way === 'HTTP') return { url: made.sourceUrl };
  const server = await lying.ssh();
  return { url: server.url(made.source), credential: { username: 'ada', password: 'word' }, hostKeys: server.hostKeys };
}

describe.each(rows)('a source ($way, protocol $protocol, $format)', ({ way, protocol, format }) => {
  it.each(Object.entries<Attack>(attacks))('does not bring about %s by any lie', async (_attack, attack) => {
    const made = await lyingScenario(attack, { format, protocol });
    const source = await sourceOver(way, made, made.lying);
    const before = await made.refs();
    for (const [name, lie] of Object.entries(lies)) {
      const told = made.tell(lie);
      const { counts } = await syncEnds(source, { url: made.targetUrl }, attack.options ?? []);
      expect({ name, refs: await made.refs(), moved: counts.deleted + counts.updated + counts.forced }).toEqual({
        name,
        refs: before,
        moved: 0,
      });
      expect(made.lying.told, name).toBeGreaterThan(told);
    }
  });

  it('brings about the deletion of a merged branch by a chain that leads to it', async () => {
    const lying = new LyingSource(format, protocol);
    const refs = { 'heads/main': 'm' };
    const parents = { ...line, m: ['c3', 'y'] };
    const made = await scenario({ parents, source: refs, target: { ...refs, 'heads/own': 'y' }, format, sourceServer: lying.http });
    lying.tell([{ type: 'commit', content: await commitIn(made.store, 'm') }], [made.oid('y')]);
    await syncEnds(await sourceOver(way, made, lying), { url: made.targetUrl });
    expect(await made.refs()).toEqual(refs);
  });
});

const shortList = ['the deletion of a branch', 'an overwrite of divergent refs that are to be kept', 'an overwrite by a pull'] as const;

describe.each(['HTTP', 'SSH'] as const)('the command, with a lying source over %s,', (way) => {
  it.each(shortList)('does not bring about %s by any lie', async (name) => {
    const attack: Attack = attacks[name];
    const made = await lyingScenario(attack);
    const { url, hostKeys = [] } = await sourceOver(way, made, made.lying);
    const knownHosts = join(made.folder, 'known_hosts');
    await writeFile(knownHosts, `${hostKeys.join('\n')}\n`);
    const before = await made.refs();
    for (const [lie, entries] of Object.entries(lies)) {
      const told = made.tell(entries);
      const { stdout } = await gitferry(
        [
          'sync',
          url.replace('ssh://', 'ssh://ada@'),
          made.targetUrl,
          ...(attack.options ?? []),
          '--known-hosts',
          knownHosts,
          '--json',
          '--allow-address',
          '127.0.0.0/8',
        ],
        { GITFERRY_SOURCE_PASSWORD: 'word' },
      );
      const { deleted, updated, forced } = JSON.parse(stdout).counts;
      expect({ lie, refs: await made.refs(), moved: deleted + updated + forced }).toEqual({ lie, refs: before, moved: 0 });
      expect(made.lying.told, lie).toBeGreaterThan(told);
    }
  });
});

describe('the service, with a lying source', () => {
  it.each(['HTTP', 'SSH'] as const)('over %s, deletes and overwrites nothing by any lie', async (way) => {
    const { service } = await serviceScenario();
    ok(await service.api('PUT', '/application/settings', { push_min_interval: 1, pull_min_interval: 1 }));
    const mirrors = [];
    for (const name of shortList) {
      const made = await lyingScenario(attacks[name]);
      made.tell(lies['an empty pack']!);
      const { url, hostKeys } = await sourceOver(way, made, made.lying);
      const source = way === 'HTTP' ? {} : { username: 'ada', password: 'word', host_keys: hostKeys };
      const isPull = name === 'an overwrite by a pull';
      const path = `lying/${way.toLowerCase()}-${shortList.indexOf(name)}`;
      const project = await createProject(service, path, isPull ? made.targetUrl : url, isPull ? {} : source);
      const before = await made.refs();
      const pull = `/projects/${project}/mirror/pull`;
      const keep_divergent_refs = name === 'an overwrite of divergent refs that are to be kept';
      const push = { url: made.targetUrl, enabled: true, keep_divergent_refs };
      if (isPull) ok(await service.api('PUT', pull, { url, enabled: true, ...source }));
      const mirror = isPull
        ? pull
        : `/projects/${project}/remote_mirrors/${ok(await service.api('POST', `/projects/${project}/remote_mirrors`, push)).id}`;
      mirrors.push({ name, made, mirror, before, isPull });
    }
    for (const [lie, entries] of Object.entries(lies)) {
      for (const { name, made, mirror, before, isPull } of mirrors) {
        await untilSettled(service, mirror);
        const told = made.tell(entries);
        ok(await service.api('POST', isPull ? mirror : `${mirror}/sync`));
        await until(`${name}: ${lie}`, async () => (made.lying.told > told ? true : undefined));
        await untilSettled(service, mirror);
        expect({ name, lie, refs: await made.refs() }).toEqual({ name, lie, refs: before });
      }
    }
    for (const { mirror } of mirrors) {
      for (const { counts } of ok(await service.api('GET', `${mirror}/runs`)) as { counts: Record<string, number> }[]) {
        expect(counts).toMatchObject({ deleted: 0, updated: 0, forced: 0 });
      }
    }
  });
});
