/** Hosts of URLs compared: default ports, SSH's too, and https instead of http. */

/** The port of a URL that names none. */
export const defaultPorts = { https: 443, http: 80, ssh: 22 } as const;

/** Whether what is meant for the host of one URL may go to the other's: the same scheme, host and port, or https instead of http, each on its default port. */
export function isSameHost(meantFor: URL, to: URL): boolean {
  if (meantFor.protocol === to.protocol) return hostAndPort(meantFor) === hostAndPort(to);
  const isUpgrade = meantFor.protocol === 'http:' && to.protocol === 'https:';
  return isUpgrade && meantFor.hostname === to.hostname && meantFor.port === '' && to.port === '';
}

/** `URL` leaves out the default ports of http and https and writes their hosts in lower case, but not those of ssh. */
function hostAndPort({ protocol, host }: URL): string {
  return protocol === 'ssh:' ? host.toLowerCase().replace(/:22$/, '') : host;
}
