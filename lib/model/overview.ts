/** Every mirror and project in a few words: what the console's first page counts, sorts and searches. */
import type { Mirror } from './mirror.ts';
import type { Project } from './project.ts';

export type MirrorDigest = Pick<
  Mirror,
  'projectId' | 'mirror' | 'id' | 'direction' | 'url' | 'enabled' | 'paused' | 'updateStatus' | 'lastUpdateAt' | 'failingSince'
>;

export type ProjectDigest = Pick<Project, 'id' | 'path' | 'repositoryUrl'>;
