/** A project: the repository somebody owns, by URL. */
import type { AuthMethod } from '../credentials/registry.ts';
import type { CredentialReference } from '../credentials/shared-credential.ts';

export interface ProjectSettings {
  /** `group/name`, unique without regard to case. */
  readonly path: string;
  /** Without user info. */
  readonly repositoryUrl: string;
  readonly authMethod: AuthMethod;
  /** null = anonymous. */
  readonly credential: CredentialReference | null;
  /** In known_hosts form; at least one for ssh://. */
  readonly hostKeys: readonly string[];
  /** Of the key pair of its own, as in authorized_keys; null = it has none. */
  readonly publicKey: string | null;
}

/** GitLab's protected branch: a name, or a pattern in which `*` matches any characters. */
export interface ProtectedBranch {
  readonly id: number;
  readonly name: string;
}

export interface Project extends ProjectSettings {
  readonly id: number;
  /** Short name; null until a run has seen it. */
  readonly defaultBranch: string | null;
  readonly protectedBranches: readonly ProtectedBranch[];
  readonly createdAt: number;
}
