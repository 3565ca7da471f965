/** Failures of making a credential for a run: roles, Apps, tokens that renew themselves. A part of the closed list in error-catalogue.ts. */
import type { CatalogueEntry } from './catalogue-entry.ts';

export const credentialErrors = {
  // Credentials of machines
  credential_not_for_url: {
    disposition: 'park',
    sentence: 'The credential signs in to other hosts than this one.',
    hint: 'Give the mirror or project another credential, or correct its URL: aws_iam goes with CodeCommit over HTTPS, github_app with repositories of GitHub.',
  },
  aws_credentials_missing: {
    disposition: 'park',
    sentence: 'gitferry has no AWS credentials of its own here.',
    hint: 'On AWS the role of the function signs in. Elsewhere start gitferry with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, if there is one.',
  },
  role_not_assumed: {
    disposition: 'park',
    sentence: 'The AWS role could not be assumed.',
    hint: "The role's trust policy must name the role of gitferry's worker and api functions (and the external id, if it asks for one), and theirs must allow sts:AssumeRole on it: parameter assumedRoles of the deployment.",
  },
  clock_wrong: {
    disposition: 'park',
    sentence: 'The clock of this machine differs from that of the host.',
    hint: 'Signed requests are valid for some minutes only. Set the clock (NTP), then run the mirror again.',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
