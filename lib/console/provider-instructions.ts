/** What to enter at each provider so that it announces pushes: docs/providers.md in short. */
import type { Provider } from '../model/hook.ts';

export interface Instructions {
  readonly label: string;
  /** Where at the provider. */
  readonly where: string;
  /** What the URL is called there. */
  readonly address: string;
  readonly secret: string;
  readonly events: string;
}

const giteaFamily = (label: string): Instructions => ({
  label,
  where: `Repository → Settings → Webhooks → ${label}, method POST`,
  address: 'Target URL',
  secret: 'Secret',
  events: 'Push events (with custom events also Create and Delete)',
});

export const providerInstructions: Readonly<Record<Provider, Instructions>> = {
  github: {
    label: 'GitHub',
    where: 'Repository → Settings → Webhooks → Add webhook; content type application/json',
    address: 'Payload URL',
    secret: 'Secret',
    events: 'Just the push event',
  },
  gitlab: {
    label: 'GitLab',
    where: 'Project → Settings → Webhooks → Add new webhook',
    address: 'URL',
    secret: 'Secret token',
    events: 'Push events and Tag push events',
  },
  forgejo: giteaFamily('Forgejo'),
  gitea: giteaFamily('Gitea'),
  gogs: giteaFamily('Gogs'),
  bitbucket_cloud: {
    label: 'Bitbucket Cloud',
    where: 'Repository → Repository settings → Webhooks → Add webhook',
    address: 'URL',
    secret: 'Secret',
    events: 'Repository push',
  },
  bitbucket_data_center: {
    label: 'Bitbucket Data Center',
    where: 'Repository → Settings → Webhooks',
    address: 'URL',
    secret: 'Secret',
    events: 'Repository: Push',
  },
  azure_devops: {
    label: 'Azure DevOps',
    where: 'Project settings → Service hooks → Web Hooks → Code pushed, for one repository',
    address: 'URL',
    secret: 'Basic authentication password; user name gitferry',
    events: 'Code pushed',
  },
  generic: {
    label: 'Generic (scripts, CI, server hooks)',
    where: 'Anything that can send a POST request',
    address: 'Where to post to; the body may be empty',
    secret: 'Signs the body: X-Signature: sha256=<HMAC-SHA256, hexadecimal>, or Standard Webhooks',
    events: 'Whenever something was pushed',
  },
};
