/** All pages below a project. */
import type { Hono } from 'hono';
import type { ConsoleEnv } from '../visit.ts';
import { addMirrorPage } from './mirror.tsx';
import { addMirrorActions } from './mirror-actions.tsx';
import { addMirrorForms } from './mirror-form.tsx';
import { addProjectPage } from './project.tsx';
import { addRunPage } from './run.tsx';

/** `mirrors/new` comes before `mirrors/:mirror`. */
export function addMirrorPages(app: Hono<ConsoleEnv>): void {
  addProjectPage(app);
  addMirrorForms(app);
  addMirrorActions(app);
  addRunPage(app);
  addMirrorPage(app);
}
