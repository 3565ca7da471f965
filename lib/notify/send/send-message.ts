/** A message to a channel, by the channel's kind. */
import type { Deadline } from '../../core/deadline.ts';
import type { Channel, ChannelSecret } from '../../model/channel.ts';
import type { AddressGuard } from '../../net/address-guard.ts';
import type { HttpClient } from '../../net/http-client.ts';
import { chatBody } from './chat-body.ts';
import { sendMail } from './mail.ts';
import type { ChannelAnswer, Message } from './message.ts';
import { post } from './post.ts';
import { webhookRequest } from './webhook-request.ts';

export interface SendDeps {
  readonly http: HttpClient;
  readonly guard: AddressGuard;
}

export interface Sending {
  readonly channel: Pick<Channel, 'kind'>;
  readonly secret: ChannelSecret;
  readonly message: Message;
  readonly deadline: Deadline;
}

/** Rejects with failures of the network, by code. */
export async function sendMessage({ channel, secret, message, deadline }: Sending, deps: SendDeps): Promise<ChannelAnswer> {
  if (channel.kind === 'email') {
    if ('url' in secret) throw new Error('a mail channel has the secret of another kind');
    return sendMail(secret, message, deadline, deps.guard);
  }
  if (!('url' in secret)) throw new Error('an HTTP channel has the secret of another kind');
  const request =
    channel.kind === 'webhook'
      ? webhookRequest(message, secret.signingSecret ?? '')
      : { headers: {}, body: JSON.stringify(chatBody(channel.kind, message)) };
  return post(new URL(secret.url), request, deadline, deps.http);
}
