/** The frame of the settings' pages: their tabs. */
import type { Child } from 'hono/jsx';
import type { Visit } from '../visit.ts';
import { type Crumb, Page } from './page.tsx';

const tabs = {
  general: ['/settings', 'General'],
  tokens: ['/settings/tokens', 'Tokens'],
  credentials: ['/settings/credentials', 'Credentials'],
  notifications: ['/settings/notifications', 'Notifications'],
  audit: ['/settings/audit', 'Audit'],
} as const;

interface Props {
  readonly title: string;
  readonly visit: Visit;
  readonly tab: keyof typeof tabs;
  readonly crumbs?: readonly Crumb[];
  readonly children?: Child;
}

export function SettingsPage({ title, visit, tab, crumbs = [], children }: Props) {
  return (
    <Page title={title} visit={visit} section="settings" crumbs={crumbs}>
      <nav class="subnav" aria-label="Settings">
        {Object.entries(tabs).map(([name, [path, label]]) => (
          <a href={path} {...(name === tab ? { 'aria-current': 'page' as const } : {})}>
            {label}
          </a>
        ))}
      </nav>
      <div class="stack">{children}</div>
    </Page>
  );
}
