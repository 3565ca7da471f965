/** A sign-in at an identity provider that is under way, as its browser keeps it in a cookie: nothing in it helps anybody else. */
import type { FlowSecrets } from '../sso/openid.ts';
import { returnPath } from './return-path.ts';

export interface Flow extends FlowSecrets {
  readonly provider: string;
  /** Where the sign-in leads to. */
  readonly back: string;
}

export function printFlow({ provider, back, state, nonce, verifier }: Flow): string {
  return Buffer.from(JSON.stringify([provider, back, state, nonce, verifier])).toString('base64url');
}

/** undefined for anything that is none of ours. */
export function parseFlow(value: string): Flow | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(value, 'base64url').toString());
    if (!Array.isArray(parts) || parts.length !== 5 || !parts.every((part) => typeof part === 'string')) return undefined;
    const [provider = '', back, state = '', nonce = '', verifier = ''] = parts;
    return { provider, back: returnPath(back), state, nonce, verifier };
  } catch {
    return undefined;
  }
}
