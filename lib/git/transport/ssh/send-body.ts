/** A request on its way into an SSH channel. */
import type { ByteStream } from '../../wire/pkt-reader.ts';
import type { SshChannel } from './ssh-channel.ts';

/**
 * Sends it as fast as it is taken. What a stream throws is thrown; a command that takes no more has answered or ended, and that is for the reader to
 * see. Does not end the channel.
 */
export async function sendBody(channel: SshChannel, body: Uint8Array | ByteStream): Promise<void> {
  const pieces = body instanceof Uint8Array ? [body] : body;
  for await (const piece of pieces) {
    try {
      await channel.write(piece);
    } catch {
      break;
    }
  }
}
