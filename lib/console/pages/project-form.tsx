/** x */
import type { Hono } from 'hono';
import type { ConsoleEnv } from '../visit.ts';
import { addUpdateNow } from './update-now.ts';
export function addProjectPages(app: Hono<ConsoleEnv>): void {
  addUpdateNow(app);
}
