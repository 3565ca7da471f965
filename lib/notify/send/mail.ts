/** A message by SMTP: nodemailer on a socket that the address guard has let through. */
import { isIP } from 'node:net';
import nodemailer from 'nodemailer';
import type { Deadline } from '../../core/deadline.ts';
import { GitferryError } from '../../core/errors.ts';
import { printable, printableLines } from '../../core/printable.ts';
import type { ChannelSecret } from '../../model/channel.ts';
import type { AddressGuard } from '../../net/address-guard.ts';
import { connectSocket } from '../../net/guarded-socket.ts';
import { toNetworkError } from '../../net/network-error.ts';
import { notifyLimits } from '../notify-limits.ts';
import type { ChannelAnswer, Message } from './message.ts';

type MailSecret = Exclude<ChannelSecret, { readonly url: string }>;

/** Rejects with failures of the network, by code; what the server says is an answer. */
export async function sendMail(secret: MailSecret, message: Message, { signal }: Deadline, guard: AddressGuard): Promise<ChannelAnswer> {
  const { smtpHost: host, smtpPort: port, smtpTls, username, password, from, to } = secret;
  const connection = await connectSocket({ host, port }, guard, signal);
  const transport = nodemailer.createTransport({
    host,
    port,
    connection,
    secure: smtpTls === 'tls',
    requireTLS: smtpTls === 'starttls',
    ignoreTLS: smtpTls === 'none',
    ...(isIP(host) === 0 ? { tls: { servername: host } } : {}),
    ...(username === '' ? {} : { auth: { user: username, pass: password } }),
    greetingTimeout: notifyLimits.attemptMs,
    socketTimeout: notifyLimits.attemptMs,
    // Nothing of a message names a file or URL to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const abort = (): void => void connection.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const sent = await transport.sendMail({
      from,
      to: [...to],
      subject: subjectOf(message),
      text: textOf(message),
      messageId: `<${encodeURIComponent(message.id)}@gitferry>`,
      headers: { 'auto-submitted': 'auto-generated', 'x-gitferry-notice': encodeURIComponent(message.id) },
    });
    // Some recipients refused and others not: sending again would reach the others twice.
    const refused = sent.rejected.length === 0 ? '' : ` (${sent.rejected.length} recipients refused)`;
    return { ok: true, words: `${sent.response}${refused}` };
  } catch (error) {
    if (signal.aborted) throw toNetworkError(signal.reason, host, signal);
    return answerOf(error, host);
  } finally {
    signal.removeEventListener('abort', abort);
    transport.close();
    connection.destroy();
  }
}

/** What the server said, or a failure of the network. 5xx is a server's last word, but mail servers say it of full boxes, too: tried again. */
function answerOf(error: unknown, host: string): ChannelAnswer {
  const { response, code } = error instanceof Error ? (error as Error & { response?: unknown; code?: unknown }) : {};
  if (typeof response === 'string' && response !== '') return { ok: false, words: printable(response) };
  if (code === 'ETLS')
    throw new GitferryError('connection_failed', { detail: `${host}: the mail server offers no TLS that can be used.`, cause: error });
  throw toNetworkError(error, host);
}

function subjectOf({ events, more }: Message): string {
  const [first] = events;
  const count = events.length + more;
  return count === 1 ? `[gitferry] ${printable(first?.title ?? '')}` : `[gitferry] ${count} notices`;
}

function textOf({ events, more }: Message): string {
  const parts = events.map(({ title, text, link }) =>
    [printable(title), ...(text === '' ? [] : [printableLines(text)]), link].join('\n\n'),
  );
  return [...parts, ...(more > 0 ? [`and ${more} more`] : [])].join('\n\n---\n\n');
}
