/** How gitferry names itself to Git servers. */
import { version } from '../core/version.ts';

export const agent = `gitferry/${version}`;
