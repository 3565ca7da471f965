/** Structured log: one JSON line per decision, stable event names, ids as fields; every text passes the redactor on its way out. */
import { printableJson } from './printable.ts';
import { createRedactor, type Redactor } from './redact.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  /** `event` is a stable name in snake_case. `redactor` knows the secrets in use, where there are any. */
  write(level: LogLevel, event: string, fields?: LogFields, redactor?: Redactor): void;
}

const structural = createRedactor([]);

/** Writes lines of at least this level. Never throws. */
export function createLog(writeLine: (line: string) => void, least: LogLevel, now: () => number = Date.now): Log {
  const threshold = logLevels.indexOf(least);
  return {
    write(level, event, fields = {}, redactor = structural) {
      if (logLevels.indexOf(level) < threshold) return;
      const clean = Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redactor.redact(value) : value]);
      // A field never takes the place of these three.
      const own = { time: new Date(now()).toISOString(), level, event };
      writeLine(`${printableJson({ ...own, ...Object.fromEntries(clean), ...own })}\n`);
    },
  };
}
