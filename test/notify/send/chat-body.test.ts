import { describe, expect, it } from 'vitest';
import type { NoticeEvent } from '../../../lib/notify/published-event.ts';
import { chatBody } from '../../../lib/notify/send/chat-body.ts';

const event: NoticeEvent = {
  ...{
    id: 'x',
    type: 'mirror.failing',
    severity: 'error',
    occurred_at: '',
    since: '',
    link: 'https://ferry.example.org/projects/1/mirrors/1',
  },
  title: 'team/app <!channel> @everyone *fails*\u202e',
  text: 'Why: <https://evil.example|click> & more\nWhat to do: [x](y)',
  ...{ project: null, mirror: null, host: null, credential: null, mirrors: null, decision: null, count: null, error: null },
  ...{ run_id: null, refs: null, refs_total: null },
};
const message = { id: 'x', at: 0, events: [event], more: 0 };

describe('what a branch or host is named', () => {
  it('is text in Slack: nobody is called, and nothing is a link but ours', () => {
    const { text } = chatBody('slack', message) as { text: string };
    expect(text).toContain('&lt;!channel&gt;');
    expect(text.match(/<[^>]*>/g)).toEqual([`<${event.link}|Open in gitferry>`]);
    expect(text).not.toContain('\u202e');
  });

  it.each(['mattermost', 'discord', 'teams'] as const)('is text in %s', (kind) => {
    const body = JSON.stringify(chatBody(kind, message));
    expect(body).not.toContain('@everyone');
    expect(body).not.toContain('](y)');
    expect(body).not.toContain('\u202e');
    expect(body).toContain(event.link);
  });
});

describe('the body', () => {
  it('is what each chat takes', () => {
    expect(Object.keys(chatBody('slack', message)).sort()).toEqual(['text', 'unfurl_links']);
    expect(Object.keys(chatBody('mattermost', message))).toEqual(['text']);
    expect(chatBody('discord', message)).toMatchObject({ allowed_mentions: { parse: [] } });
    expect(chatBody('teams', message)).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard', version: '1.4' } }],
    });
  });

  it('is never longer than Discord takes', () => {
    const many = { ...message, events: Array.from({ length: 50 }, () => event), more: 7 };
    expect((chatBody('discord', many) as { content: string }).content.length).toBeLessThanOrEqual(2000);
  });
});
