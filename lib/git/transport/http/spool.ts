/** A stream stored in a temporary file, for servers that want to know its length before it comes. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GitferryError } from '../../../core/errors.ts';
import { createTemporaryFolder } from '../../../core/temporary-folder.ts';
import type { ByteStream } from '../../wire/pkt-reader.ts';

export interface SpooledFile {
  readonly bytes: number;
  read(): ByteStream;
  remove(): Promise<void>;
}

/** Reads the stream to its end; `spool_limit_exceeded` above `maxBytes`. The caller removes the file. */
export async function spool(stream: ByteStream, maxBytes: number): Promise<SpooledFile> {
  const folder = await createTemporaryFolder();
  const path = join(folder.path, 'request');
  let bytes = 0;
  try {
    await pipeline(
      async function* () {
        for await (const chunk of stream) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw new GitferryError('spool_limit_exceeded', { detail: `It has more than ${maxBytes} bytes.` });
          yield chunk;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
    );
  } catch (error) {
    await folder.remove();
    throw error;
  }
  return { bytes, read: () => createReadStream(path), remove: folder.remove };
}
