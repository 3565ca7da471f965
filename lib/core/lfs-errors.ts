/** Failures of moving LFS objects. A part of the closed list in error-catalogue.ts. */
import type { CatalogueEntry } from './catalogue-entry.ts';

export const lfsErrors = {
  // LFS objects that did not move
  lfs_objects_failed: {
    disposition: 'partial',
    sentence: 'Some LFS objects could not be copied:',
    hint: 'The reasons are in the message. A mirror tries again with every run what was not copied; gitferry sync does with --lfs on.',
  },
  lfs_disabled: {
    disposition: 'partial',
    sentence: 'The host serves no LFS objects for this repository.',
    hint: 'Switch LFS on in the settings of the repository or its host; give lfs_url (--source-lfs-url, --target-lfs-url) if the LFS server is elsewhere; or set lfs to off.',
  },
  lfs_access_denied: {
    disposition: 'partial',
    sentence: "The host's LFS server does not let this account in.",
    hint: 'Check that the token may read (source) or write (target) LFS objects, and that LFS is switched on for the repository: some hosts answer like this where it is off.',
  },
  lfs_quota_exceeded: {
    disposition: 'partial',
    sentence: 'The storage or bandwidth for LFS objects is used up.',
    hint: "Raise the quota at the host, or remove objects there; a source's bandwidth is often counted by month.",
  },
  lfs_object_missing: {
    disposition: 'partial',
    sentence: 'The source does not have this LFS object.',
    hint: 'Somebody who has the file can push it to the source: git lfs push --object-id REMOTE OID.',
  },
  lfs_object_refused: {
    disposition: 'partial',
    sentence: 'The target refuses this LFS object.',
    hint: "The host's own words are in the message: often the object is over a size limit.",
  },
  lfs_object_corrupt: {
    disposition: 'partial',
    sentence: 'What the source sent is not this LFS object: size or SHA-256 differ.',
    hint: 'Nothing of it was stored at the target. Run git lfs fsck on a clone of the source, and push the object to it again.',
  },
  lfs_transfer_failed: {
    disposition: 'partial',
    sentence: 'The transfer of this LFS object broke off.',
    hint: 'Usually temporary; the next run tries it again. If it stays, look at the logs of the host that the message names.',
  },
  lfs_protocol_error: {
    disposition: 'partial',
    sentence: "The host's LFS server does not keep to its protocol.",
    hint: 'Check that no proxy changes the answer and that lfs_url, if set, is that of an LFS server; otherwise please report this with the message.',
  },
  lfs_scan_failed: {
    disposition: 'partial',
    sentence: 'Could not determine which LFS objects the refs need.',
    hint: 'The next run looks at everything once more. Sources that can filter (git: uploadpack.allowFilter) make it cheap.',
  },
} as const satisfies Record<string, CatalogueEntry>;
