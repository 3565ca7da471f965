/** Certificates for TLS on loopback, made once for a hundred years (test/data/tls): who signed them, and for which name. */
import { readFileSync } from 'node:fs';

function read(name: string): string {
  return readFileSync(new URL(`../data/tls/${name}`, import.meta.url), 'utf8');
}

const key = read('server.key');

/** Signed the others; known to nobody unless a test says so. */
export const testAuthority = read('authority.pem');

/** Signed the one that has expired. */
export const expiredAuthority = read('authority-of-expired.pem');

export const certificates = {
  /** For 127.0.0.1 and localhost. */
  loopback: { key, cert: read('loopback.pem') },
  /** For another host. */
  elsewhere: { key, cert: read('elsewhere.pem') },
  /** For 127.0.0.1 and localhost, for a day in 2020. */
  expired: { key, cert: read('expired.pem') },
  /** For git-codecommit.eu-west-1.amazonaws.com; its own authority. */
  codeCommit: { key, cert: read('code-commit.pem') },
  selfSigned: { key, cert: read('self-signed.pem') },
} as const;
