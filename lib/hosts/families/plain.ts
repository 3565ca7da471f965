/** A Git server without an API that gitferry knows: everything beside Git is done by hand. */
import type { HostSession } from '../host.ts';
import type { HostFamilyRules } from '../host-family.ts';
import { notOffered } from '../offered.ts';

export const plain: HostFamilyRules = {
  label: 'Git server',
  apiBase: ({ origin }) => origin,
  headers: () => ({}),
  open: (_api, web) => createSession(web),
};

function createSession(web: string): HostSession {
  const why = 'gitferry knows no API of this host.';
  const ask = (step: string) => async () => notOffered(why, { step, link: web });
  return {
    whoAmI: ask('Check the account by hand.'),
    describe: ask('Look at the repository by hand.'),
    create: ask('Make an empty repository there (git init --bare), and give the account the right to push.'),
    change: ask('Set the default branch there (git symbolic-ref HEAD refs/heads/NAME).'),
    protectedBranches: ask('Type in the protected branches.'),
    ensureWebhook: ask('Call the address after each push, for instance from the hook post-receive (docs/providers.md, "generic").'),
    removeWebhook: ask('Remove the call of the address from the hook post-receive.'),
    testWebhook: ask('Push something.'),
    deliveries: ask("Look at the server's log."),
    redeliver: ask('Push something, or ask for an update here.'),
    ensureDeployKey: ask("Add the public key to the account's authorized_keys."),
    list: ask('List the repositories by hand.'),
  };
}
