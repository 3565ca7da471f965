/** Request paths taken apart into segments, whether they came percent-encoded or decoded (API Gateway hands them over decoded). */

export const apiPrefix = '/api/v4';

/** What may follow a project in a path; everything in between `projects/` and the first of these names the project. */
const projectResources = [
  'remote_mirrors',
  'mirror',
  'protected_branches',
  'incoming_hooks',
  'notification_channels',
  'events',
  'audit_events',
  'public_key',
] as const;

/** Words of routes below a project: no segment of a project path may be one of them, or decoded paths could not be read. */
export const reservedWords: readonly string[] = [
  ...projectResources,
  'pull',
  'sync',
  'plan',
  'preview',
  'runs',
  'send_test',
  'sent_notifications',
];

/**
 * The decoded segments of a path below `/api/v4`, a project path and a branch name as one segment each; undefined for other paths.
 * `/api/v4/projects/group/name/remote_mirrors/3` and `/api/v4/projects/group%2Fname/remote_mirrors/3` → `projects`, `group/name`, `remote_mirrors`, `3`.
 */
export function routeSegments(pathname: string): readonly string[] | undefined {
  if (pathname !== apiPrefix && !pathname.startsWith(`${apiPrefix}/`)) return undefined;
  const segments = pathname
    .slice(apiPrefix.length)
    .split('/')
    .filter((segment) => segment !== '')
    .map(decoded);
  const [first, ...rest] = segments;
  if (first !== 'projects' || rest.length < 2) return segments;
  const at = rest.findIndex((segment, index) => index > 0 && projectResources.some((resource) => resource === segment));
  if (at < 0) return [first, rest.join('/')];
  const [resource = '', ...below] = rest.slice(at);
  const isBranch = resource === 'protected_branches' && below.length > 1;
  return [first, rest.slice(0, at).join('/'), resource, ...(isBranch ? [below.join('/')] : below)];
}

/** A percent sign that encodes nothing stands for itself. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment.replace(/(?:%[0-9a-fA-F]{2})+|%/g, (run) => decodedRun(run));
  }
}

function decodedRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return run;
  }
}
