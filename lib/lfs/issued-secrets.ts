/** What an LFS server gives out that signs in for a while: headers of actions, and the signatures in their links. */
import type { Action, BatchedObject } from './batch-message.ts';

/** Headers that say what is sent, and not who sends it. */
const harmless: ReadonlySet<string> = new Set(['accept', 'content-type', 'content-encoding', 'user-agent', 'x-amz-content-sha256']);

export function secretsOfObject(object: BatchedObject): readonly string[] {
  if (object.kind !== 'actions') return [];
  return [object.download, object.upload, object.verify].flatMap((action) => (action === undefined ? [] : issuedSecrets(action)));
}

/** Values of headers, with and without their scheme (`Bearer`), what HTTP Basic holds, and the values in the query of a link. Short ones too: they are nobody's secret. */
export function issuedSecrets({ href, header }: Pick<Action, 'href' | 'header'>): readonly string[] {
  const values = Object.entries(header).flatMap(([name, value]) => (harmless.has(name) ? [] : ofHeader(value.trim())));
  return [...values, ...href.searchParams.values()];
}

function ofHeader(value: string): readonly string[] {
  const [scheme = '', ...rest] = value.split(' ');
  const credential = rest.join(' ').trim();
  if (credential === '') return [value];
  if (scheme.toLowerCase() !== 'basic') return [credential];
  const [, ...password] = Buffer.from(credential, 'base64').toString('utf8').split(':');
  return [credential, password.join(':')];
}
