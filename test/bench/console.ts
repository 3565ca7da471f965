/** The console's overview of 1,000 mirrors in the local service: from the request to the last byte, and how large it is. */
import { join } from 'node:path';
import { type RunningService, startService } from '../support/service.ts';
import { measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import type { Workbench } from './workbench.ts';

const projects = 250;
const mirrorsEach = 4;
/** Calls under way at once while the table is filled. */
const atOnce = 10;
const warmUps = 10;
const loads = 40;

export async function benchOverview(bench: Workbench): Promise<Finding> {
  const service = await startService({ folder: join(bench.folder, 'overview') });
  try {
    await fill(service);
    const cookie = await signIn(service);
    let bytes = 0;
    const load = async (): Promise<void> => {
      const answer = await fetch(`${service.origin}/`, { headers: { cookie } });
      bytes = (await answer.arrayBuffer()).byteLength;
      if (answer.status !== 200) throw new Error(`the overview answers ${answer.status}`);
    };
    for (let index = 0; index < warmUps; index++) await load();
    const times: number[] = [];
    for (let index = 0; index < loads; index++) times.push((await measureHere(load)).wallMs);
    times.sort((a, b) => a - b);
    return {
      title: `The console's overview of ${projects * mirrorsEach} mirrors, local service`,
      contenders: [],
      targets: [
        { what: 'request to last byte, median', measured: times[Math.floor(times.length / 2)] ?? 0, bound: 150, unit: 'ms' },
        { what: 'size before compression', measured: bytes / 1024, bound: 250, unit: 'KB' },
      ],
    };
  } finally {
    await service.end();
  }
}

/** In silent mode: nothing runs beside the measurement. */
async function fill({ api }: RunningService): Promise<void> {
  await api('PUT', '/application/settings', { silent_mode_enabled: true });
  for (let from = 0; from < projects; from += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, index) => addProject(api, from + index)));
}

async function addProject(api: RunningService['api'], number: number): Promise<void> {
  const path = `team-${number % 17}/service-${number}`;
  const { body: project } = await api('POST', '/projects', { path, repository_url: `https://git.example.org/${path}.git` });
  for (let index = 0; index < mirrorsEach; index++) {
    const { status } = await api('POST', `/projects/${project.id}/remote_mirrors`, {
      url: `https://mirror-${index}.example.org/${path}.git`,
      enabled: true,
    });
    if (status !== 201) throw new Error(`no mirror: ${status}`);
  }
}

async function signIn({ origin }: RunningService): Promise<string> {
  const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await fetch(`${origin}/sign-in`, { method: 'POST', redirect: 'manual', headers, body: 'token=test-admin-token' });
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}
