/** Takes in the form that a request brings, once it is known who sends it. */
import type { RequestBodies } from '../core/request-bodies.ts';
import { consoleLimits } from './console-limits.ts';
import { Refusal } from './refusal.ts';

export interface FormRules {
  readonly maxBytes: number;
  /** Whose it is: the number of a token, or what stands for everybody who is not signed in. */
  readonly sender: string | number;
}

/** The same request with its form read. Refuses with 400, 408, 413 or 429. */
export async function admitForm(request: Request, bodies: RequestBodies, rules: FormRules): Promise<Request> {
  const { method, url, headers } = request;
  if (method === 'GET' || method === 'HEAD') return request;
  const body = await bodies.read(request, { ...rules, withinMs: consoleLimits.formMs });
  if (typeof body === 'string') throw new Refusal({ too_large: 413, incomplete: 400, too_slow: 408, busy: 429 }[body]);
  body.release();
  return new Request(url, { method, headers, body: body.bytes });
}
