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
  app_key_invalid: {
    disposition: 'park',
    sentence: "The App's private key is no RSA private key.",
    hint: 'Make a private key in the settings of the App and give the whole file, from BEGIN to END, without a passphrase.',
  },
  app_refused: {
    disposition: 'park',
    sentence: 'The host does not know this App, or not by this private key.',
    hint: 'Compare app_id with the App id or client id in the settings of the App, and make a new private key there if in doubt.',
  },
  app_not_installed: {
    disposition: 'park',
    sentence: 'The App is not installed for this repository.',
    hint: "An owner of the repository's account installs it (settings of the App, Install App) and chooses this repository or all.",
  },
  app_suspended: {
    disposition: 'park',
    sentence: 'The installation of the App is suspended.',
    hint: "An owner of the repository's account can end that (settings, GitHub Apps, Configure).",
  },
  app_permission_missing: {
    disposition: 'park',
    sentence: 'The App has not the permissions that this needs.',
    hint: 'A source needs Contents: read, a target Contents: write, and Workflows: write where files below .github/workflows change. Change them in the settings of the App; each owner has to accept them.',
  },
  kms_denied: {
    disposition: 'park',
    sentence: "KMS did not sign with the App's key.",
    hint: 'The key must be an RSA key for SIGN_VERIFY that is enabled, and worker and api need kms:Sign on it: parameter signingKeys of the deployment.',
  },
  token_lost: {
    disposition: 'park',
    sentence: 'The GitLab token was renewed, and the new one was lost before it was stored.',
    hint: 'Make a new token at GitLab by hand and give it to the credential; the lost one can be revoked there.',
  },
  token_not_stored: {
    disposition: 'retry',
    sentence: 'The GitLab token was renewed, and the new one cannot be stored.',
    hint: 'Look at the secret store (Secrets Manager: permissions, limits; npm start: the disk). Do not end this process before the token is stored: it has the only copy.',
  },
  credential_expired: {
    disposition: 'park',
    sentence: 'The credential has expired.',
    hint: 'Make a new token at the host and give it to the credential; mirrors that failed run at once then.',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
