/** What a benchmark found, as Markdown: a table of contenders and a table of targets. */
import { cpus } from 'node:os';
import { git } from '../support/git.ts';
import type { Summary } from './contest.ts';

export interface Target {
  readonly what: string;
  readonly measured: number;
  readonly bound: number;
  /** `at least` for rates. */
  readonly kind?: 'at most' | 'at least';
  readonly unit: '×' | 'ms' | 'KB' | 'MB' | 'MB/s' | 'requests' | 'round trips' | 'connections';
}

export interface Finding {
  readonly title: string;
  readonly contenders: readonly Summary[];
  readonly targets: readonly Target[];
}

export async function describeMachine(): Promise<string> {
  const processors = cpus();
  const gitVersion = (await git('/', ['--version'])).replace('git version ', '');
  return `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), ${process.platform} ${process.arch}, Node ${process.versions.node}, git ${gitVersion}; both servers \`git http-backend\` on loopback`;
}

export function renderFinding({ title, contenders, targets }: Finding): string {
  const rows = contenders.map(({ name, runs, wallMs, fastestMs, slowestMs, cpuMs, peakBytes }) =>
    row([
      name,
      `${milliseconds(wallMs)} (${milliseconds(fastestMs)}–${milliseconds(slowestMs)})`,
      cpuMs === undefined ? '–' : milliseconds(cpuMs),
      peakBytes === undefined ? '–' : `${Math.round(peakBytes / 1e6)} MB`,
      String(runs),
    ]),
  );
  const measured =
    rows.length === 0 ? [] : [row(['', 'wall: median (range)', 'CPU', 'peak memory', 'runs']), row(Array(5).fill('---')), ...rows, ''];
  const bounds =
    targets.length === 0 ? [] : [row(['target', 'measured', 'bound', '']), row(Array(4).fill('---')), ...targets.map(renderTarget), ''];
  return [`### ${title}`, '', ...measured, ...bounds].join('\n');
}

function renderTarget(target: Target): string {
  const { what, measured, bound, kind = 'at most', unit } = target;
  return row([
    what,
    amount(measured, unit),
    `${kind === 'at most' ? '≤' : '≥'} ${amount(bound, unit)}`,
    isMet(target) ? 'ok' : '**MISSED**',
  ]);
}

export function isMet({ measured, bound, kind = 'at most' }: Target): boolean {
  return kind === 'at most' ? measured <= bound : measured >= bound;
}

function amount(value: number, unit: Target['unit']): string {
  if (unit === 'ms') return milliseconds(value);
  if (unit === 'round trips' || unit === 'KB') return `${value.toFixed(1)} ${unit}`;
  return unit === '×' ? `${value.toFixed(2)} ×` : `${Math.round(value)} ${unit}`;
}

function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ms`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
