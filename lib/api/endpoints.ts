/** Every call of the API. */
import type { Endpoint } from './http/endpoint.ts';
import { openApiEndpoint } from './http/openapi-document.ts';
import { auditEventEndpoints } from './routes/audit-events.ts';
import { credentialEndpoints } from './routes/credentials.ts';
import { eventEndpoints } from './routes/events.ts';
import { incomingHookEndpoints } from './routes/incoming-hooks.ts';
import { instanceEndpoints } from './routes/instance.ts';
import { mirrorPreviewEndpoints } from './routes/mirror-previews.ts';
import { notificationChannelEndpoints } from './routes/notification-channels.ts';
import { projectEndpoints } from './routes/projects.ts';
import { protectedBranchEndpoints } from './routes/protected-branches.ts';
import { publicKeyEndpoints } from './routes/public-keys.ts';
import { pullMirrorEndpoints } from './routes/pull-mirror.ts';
import { remoteMirrorEndpoints } from './routes/remote-mirrors.ts';
import { pullRunEndpoints, pushRunEndpoints } from './routes/runs.ts';
import { settingsEndpoints } from './routes/settings.ts';
import { sshHostKeyEndpoints } from './routes/ssh-host-keys.ts';
import { tokenEndpoints } from './routes/tokens.ts';

const calls: readonly Endpoint[] = [
  ...Object.values(projectEndpoints),
  ...Object.values(protectedBranchEndpoints),
  ...Object.values(remoteMirrorEndpoints),
  ...Object.values(pullMirrorEndpoints),
  ...Object.values(mirrorPreviewEndpoints),
  ...Object.values(publicKeyEndpoints),
  ...Object.values(pushRunEndpoints),
  ...Object.values(pullRunEndpoints),
  ...Object.values(eventEndpoints),
  ...Object.values(incomingHookEndpoints),
  ...Object.values(notificationChannelEndpoints),
  ...Object.values(sshHostKeyEndpoints),
  ...Object.values(credentialEndpoints),
  ...Object.values(settingsEndpoints),
  ...Object.values(tokenEndpoints),
  ...Object.values(auditEventEndpoints),
  ...Object.values(instanceEndpoints),
];

/** With the one that describes them all. */
export const endpoints: readonly Endpoint[] = [...calls, openApiEndpoint(calls)];
