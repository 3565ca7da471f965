/** A transport that tells of each request: what a run cost its servers. */
import type { Transport } from './transport.ts';

/** Redirects and tries for another sign-in are not counted. */
export function countedTransport(transport: Transport, onRequest: () => void): Transport {
  return {
    href: transport.href,
    get address() {
      return transport.address;
    },
    async open(service, options) {
      const conversation = await transport.open(service, options);
      if (conversation.advertisement !== undefined) onRequest();
      return {
        advertisement: conversation.advertisement,
        stateless: conversation.stateless,
        sent: conversation.sent,
        request(body, requestOptions) {
          onRequest();
          return conversation.request(body, requestOptions);
        },
        close: () => conversation.close(),
      };
    },
    close: () => transport.close(),
  };
}
