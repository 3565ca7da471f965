/** Listens to one end's conversations and keeps what they say of the host: whether it answers at all. */
import { GitferryError } from '../../core/errors.ts';
import type { Conversation, Transport } from '../../git/transport/transport.ts';
import { meaningForHost } from './host-health.ts';

/** What a run saw of a host. */
export interface HostReport {
  readonly host: string;
  /** undefined = it answered. */
  readonly failure: GitferryError | undefined;
}

/**
 * The same transport. `note` hears of each conversation that was begun, or could not be; where the advertisement was left out, the first request begins it.
 * A later failure says nothing, but for "too many requests".
 */
export function watchHost(transport: Transport, note: (failure: GitferryError | undefined) => void): Transport {
  const judge = (thrown: unknown): void => {
    if (!(thrown instanceof GitferryError)) return;
    const meaning = meaningForHost(thrown.code);
    if (meaning !== 'nothing') note(meaning === 'answer' ? undefined : thrown);
  };
  return {
    href: transport.href,
    get address() {
      return transport.address;
    },
    close: () => transport.close(),
    async open(service, options): Promise<Conversation> {
      try {
        const conversation = await transport.open(service, options);
        let isHeard = conversation.advertisement !== undefined;
        if (isHeard) note(undefined);
        return {
          advertisement: conversation.advertisement,
          stateless: conversation.stateless,
          close: () => conversation.close(),
          async request(body, requestOptions) {
            try {
              const answer = await conversation.request(body, requestOptions);
              if (!isHeard) note(undefined);
              isHeard = true;
              return answer;
            } catch (error) {
              if (!isHeard || (error instanceof GitferryError && error.code === 'rate_limited')) judge(error);
              throw error;
            }
          },
        };
      } catch (error) {
        judge(error);
        throw error;
      }
    },
  };
}
