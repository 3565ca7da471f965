/** The providers: one row each. A hook belongs to one of them; deliveries are never asked which. */
import type { Provider } from '../model/hook.ts';
import type { ProviderRules } from './delivery.ts';
import { azureDevops } from './providers/azure-devops.ts';
import { bitbucketCloud } from './providers/bitbucket-cloud.ts';
import { bitbucketDataCenter } from './providers/bitbucket-data-center.ts';
import { generic } from './providers/generic.ts';
import { forgejo, gitea, gogs } from './providers/gitea-family.ts';
import { github } from './providers/github.ts';
import { gitlab } from './providers/gitlab.ts';

export const providerRegistry: Readonly<Record<Provider, ProviderRules>> = {
  github,
  gitlab,
  forgejo,
  gitea,
  gogs,
  bitbucket_cloud: bitbucketCloud,
  bitbucket_data_center: bitbucketDataCenter,
  azure_devops: azureDevops,
  generic,
};
