/** x */
import type { Hono } from 'hono';
import type { ConsoleEnv } from '../visit.ts';
export function addSettings(_app: Hono<ConsoleEnv>): void {}
