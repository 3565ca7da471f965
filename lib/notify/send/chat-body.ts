/** What incoming webhooks of chats take: Slack's and Mattermost's text, Discord's content, Teams' adaptive card. */
import { printable, printableLines } from '../../core/printable.ts';
import type { ChannelKind } from '../../model/channel.ts';
import { notifyLimits } from '../notify-limits.ts';
import type { NoticeEvent } from '../published-event.ts';
import type { Message } from './message.ts';

type ChatKind = Exclude<ChannelKind, 'webhook' | 'email'>;

const signs: Readonly<Record<string, string>> = { error: '🔴', warning: '🟠', info: '🟢' };

export function chatBody(kind: ChatKind, message: Message): object {
  switch (kind) {
    case 'slack':
      return { text: cut(linesOf(message, escapeSlack, (link) => `<${link}|Open in gitferry>`)), unfurl_links: false };
    case 'mattermost':
      return { text: cut(linesOf(message, escapeMarkdown, (link) => `[Open in gitferry](${link})`)) };
    case 'discord':
      // Nobody is called by what a branch is named.
      return { content: cut(linesOf(message, escapeMarkdown, (link) => link)), allowed_mentions: { parse: [] } };
    case 'teams':
      return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: cardOf(message) }] };
  }
}

function linesOf({ events, more }: Message, escaped: (text: string) => string, linkTo: (link: string) => string): string {
  const parts = events.map(({ severity, title, text, link }) =>
    [`${signs[severity] ?? ''} ${escaped(printable(title))}`, ...(text === '' ? [] : [escaped(printableLines(text))]), linkTo(link)].join(
      '\n',
    ),
  );
  return [...parts, ...(more > 0 ? [`and ${more} more`] : [])].join('\n\n');
}

/** Teams' own form of a card; its text blocks know some Markdown, which is escaped. */
function cardOf({ events, more }: Message): object {
  const blocks = events.flatMap((event) => cardBlocks(event));
  const rest = more > 0 ? [{ type: 'TextBlock', text: `and ${more} more`, wrap: true }] : [];
  const [first] = events;
  return {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [...blocks, ...rest],
    actions: first === undefined ? [] : [{ type: 'Action.OpenUrl', title: 'Open in gitferry', url: first.link }],
  };
}

function cardBlocks({ severity, title, text }: NoticeEvent): object[] {
  const heading = { type: 'TextBlock', weight: 'Bolder', wrap: true, text: `${signs[severity] ?? ''} ${escapeMarkdown(printable(title))}` };
  const lines = text === '' ? [] : [{ type: 'TextBlock', wrap: true, text: escapeMarkdown(printableLines(text)).replaceAll('\n', '\n\n') }];
  return [heading, ...lines];
}

/** Slack's three: with them escaped, `<!channel>` and links are text. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** And `@`, which calls people: an invisible space after it is what both chats' own bots use. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_~[\]()#>|<]/g, '\\$&').replaceAll('@', '@\u200b');
}

function cut(text: string): string {
  return text.length <= notifyLimits.chatCharacters ? text : `${text.slice(0, notifyLimits.chatCharacters - 1)}…`;
}
