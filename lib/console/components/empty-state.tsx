/** What stands where there is nothing yet: what would be there, and what to do next. */
import type { Child } from 'hono/jsx';

export function EmptyState({ title, children }: { readonly title: string; readonly children?: Child }) {
  return (
    <div class="empty">
      <svg class="empty-picture" viewBox="0 0 96 40" width="96" height="40" aria-hidden="true" focusable="false">
        <path
          d="M20 22h46l-6 9H28zM30 22v-7h22l6 7M38 15V9h6v6"
          fill="none"
          stroke="currentColor"
          stroke-width="2"
          stroke-linejoin="round"
        />
        <path d="M4 36q6-4 12 0t12 0 12 0 12 0 12 0 12 0 12 0" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
      </svg>
      <h2>{title}</h2>
      {children}
    </div>
  );
}
