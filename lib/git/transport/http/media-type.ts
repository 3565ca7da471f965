/** The content type of an answer, and what an advertisement under a wrong one really is. */
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { HttpResponse } from '../../../net/http-client.ts';
import type { GitService } from '../../wire/advertisement.ts';
import type { ByteStream } from '../../wire/pkt-reader.ts';
import { joined, readHead } from './read-head.ts';

export function mediaType(response: HttpResponse): string {
  return (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** An answer under another content type: a smart server behind a careless proxy, a dumb server, or no Git at all. */
export async function checkedAdvertisement(bytes: ByteStream, href: string, service: GitService): Promise<ByteStream> {
  const { head, tail } = await readHead(bytes, limits.gzipRequestBytes);
  const text = Buffer.from(head).toString('latin1');
  if (/^[0-9a-f]{4}(# service=|version 2)/.test(text)) return joined(head, tail);
  await tail?.[Symbol.asyncIterator]().return?.();
  if (/^[0-9a-f]{40}([0-9a-f]{24})?\trefs\//.test(text)) throw new GitferryError('dumb_http', { detail: `${href}.` });
  if (text === '' && service === 'git-upload-pack') throw new GitferryError('dumb_http', { detail: `${href} answered without content.` });
  throw new GitferryError('not_a_git_server', { detail: `${href}.` });
}
