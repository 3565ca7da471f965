/** The settings of single sign-on, as they are kept in one secret: which providers there are, and what their groups may do. */
import { z } from 'zod';
import { GitferryError } from '../core/errors.ts';
import { roles } from '../model/access-token.ts';
import { ssoLimits } from './sso-limits.ts';

const line = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}]+$/u, 'must be one line');

const grantSchema = z.strictObject({
  /** As the provider tells it; `*` = everybody whom it vouches for. */
  group: line(ssoLimits.textCharacters),
  role: z.enum(roles),
  /** Absent = all projects. */
  projects: z.array(z.int().positive()).min(1).max(ssoLimits.grantProjects).optional(),
});

const providerSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 small letters, digits and hyphens'),
  name: line(60),
  issuer: z
    .string()
    .max(ssoLimits.urlCharacters)
    .refine(isIssuer, 'must be an https:// URL without query, user or fragment (http:// for this machine only)'),
  client_id: line(ssoLimits.textCharacters),
  /** Absent = a public client, which PKCE alone protects. */
  client_secret: line(2048).optional(),
  /** How the secret is sent. */
  client_auth: z.enum(['basic', 'post']).default('basic'),
  scope: line(ssoLimits.textCharacters)
    .refine((scope) => scope.split(' ').includes('openid'), 'must contain openid')
    .default('openid profile email'),
  groups_claim: line(ssoLimits.textCharacters).default('groups'),
  /** Instead of the end of the ID token, where a provider lets that end long before its session. */
  session_minutes: z.int().min(5).max(720).optional(),
  grants: z.array(grantSchema).min(1).max(ssoLimits.grants),
});

const settingsSchema = z.strictObject({
  providers: z
    .array(providerSchema)
    .max(ssoLimits.providers)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'must have different ids'),
});

export type Provider = z.output<typeof providerSchema>;
export type Grant = z.output<typeof grantSchema>;

/** Throws `invalid_settings` that names every problem by its place, and repeats no value. */
export function parseProviders(value: unknown): readonly Provider[] {
  const parsed = settingsSchema.safeParse(value);
  if (parsed.success) return parsed.data.providers;
  const problems = parsed.error.issues.map(({ path, message, code }) => {
    // The message names the key, which may be anything.
    const words = code === 'unrecognized_keys' ? 'has a field that is not known' : message;
    return `${path.length === 0 ? 'the settings' : path.join('.')}: ${words}`;
  });
  throw new GitferryError('invalid_settings', { detail: `Single sign-on: ${problems.join('; ')}.` });
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '' || search !== '' || hash !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname));
}

/** Where nobody can listen in, http is as good. The address guard still has to allow it. */
export function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(hostname) || hostname === '[::1]';
}
