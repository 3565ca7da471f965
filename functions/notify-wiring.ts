/** What telling people needs, built out of the parts that all functions share. */
import { hiderFor } from '../lib/api/output/hide-addresses.ts';
import { createHosts } from '../lib/aws/hosts.ts';
import type { MirrorKey } from '../lib/model/mirror.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { createHttpClient } from '../lib/net/http-client.ts';
import { type DeliverDeps, deliver } from '../lib/notify/deliver.ts';
import { expandNotice } from '../lib/notify/expand-notice.ts';
import type { HandleDeps } from '../lib/notify/handle-messages.ts';
import type { Service } from './shared-service.ts';

/** What delivering needs, from the notifier and from the API's test button. */
export function delivering({ records, secrets, clock, log, allowAddresses, publicUrl }: Service): DeliverDeps {
  const guard = createAddressGuard(allowAddresses);
  const hide: DeliverDeps['hide'] = (mirror, project) => hiderFor({ role: 'reporter' }, mirror, project);
  return { ...records, records, secrets, clock, log, publicUrl, hide, guard, http: createHttpClient(guard) };
}

export function wireNotify(all: Service): HandleDeps {
  const { clients, tableName, records, jobs, noticeQueue, clock, log } = all;
  const hosts = createHosts({ dynamo: clients.dynamo, tableName });
  const deps = delivering(all);
  const expanding = {
    ...records,
    records,
    queue: noticeQueue,
    clock,
    log,
    async mirrorNews(key: MirrorKey) {
      const mirror = await jobs.get(key);
      return mirror === undefined ? undefined : { leaseToken: mirror.leaseToken, newsIds: mirror.newsIds ?? [], paused: mirror.paused };
    },
    async hostNews(host: string) {
      const { version, newsIds = [] } = await hosts.view(host);
      return { version, newsIds };
    },
  };
  return { log, expand: (id) => expandNotice(id, expanding), deliver: (key) => deliver(key, deps) };
}
