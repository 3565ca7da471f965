/** A batch of messages from the queue of notices, side by side: a receiver that is slow delays no other. */
import { toGitferryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { NoticeKey } from '../model/notice.ts';
import { parseNoticeKey } from '../model/notice-message.ts';

export interface HandleDeps {
  expand(id: string): Promise<unknown>;
  deliver(key: { readonly channelId: number; readonly id: string }): Promise<unknown>;
  readonly log: Log;
}

/** Resolves with the ids of messages that should come again. */
export async function handleMessages(
  messages: readonly { readonly id: string; readonly body: string }[],
  deps: HandleDeps,
): Promise<readonly string[]> {
  const handled = await Promise.all(messages.map(async ({ id, body }) => ((await handleOne(body, deps)) ? [] : [id])));
  return handled.flat();
}

async function handleOne(body: string, { expand, deliver, log }: HandleDeps): Promise<boolean> {
  const key: NoticeKey | undefined = parseNoticeKey(body);
  if (key === undefined) {
    log.write('error', 'notice_message_unknown', {});
    return true;
  }
  try {
    await ('notice' in key ? expand(key.notice) : deliver({ channelId: key.channel, id: key.delivery }));
    return true;
  } catch (error) {
    const { code, message } = toGitferryError(error);
    log.write('error', 'notice_not_handled', { code, message });
    return false;
  }
}
