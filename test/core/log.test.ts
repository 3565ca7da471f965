import { describe, expect, it } from 'vitest';
import { createLog } from '../../lib/core/log.ts';
import { createRedactor } from '../../lib/core/redact.ts';

function logged(least: 'debug' | 'info' | 'warn' | 'error', use: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  use(
    createLog(
      (line) => lines.push(line),
      least,
      () => 0,
    ),
  );
  return lines.map((line) => {
    expect(line.endsWith('\n')).toBe(true);
    return JSON.parse(line);
  });
}

describe('createLog', () => {
  it('writes one JSON line with time, level, event and fields', () => {
    expect(logged('info', (log) => log.write('warn', 'mirror_failing', { project: 1, code: 'dns_failed', left_out: undefined }))).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'warn', event: 'mirror_failing', project: 1, code: 'dns_failed' },
    ]);
  });

  it('leaves out what is below its level', () => {
    const lines = logged('warn', (log) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) log.write(level, level);
    });
    expect(lines.map(({ event }) => event)).toEqual(['warn', 'error']);
  });

  it('removes secrets: those that a redactor knows, and those that their form gives away', () => {
    const redactor = createRedactor([{ password: 'hunter22' }]);
    const [known, structural] = logged('info', (log) => {
      log.write('info', 'x', { message: 'refused hunter22' }, redactor);
      log.write('info', 'x', { message: 'at https://me:hunter22@example.org/r' });
    });
    expect(JSON.stringify([known, structural])).not.toContain('hunter22');
  });

  it('keeps a line in one line, and its own fields its own', () => {
    const [line] = logged('info', (log) => log.write('info', 'real', { message: 'a\nb', event: 'forged', level: 'error', time: 'never' }));
    expect(line).toMatchObject({ event: 'real', level: 'info', time: '1970-01-01T00:00:00.000Z', message: 'a\nb' });
  });
});
