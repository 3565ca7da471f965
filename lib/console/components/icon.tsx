/** The console's icons: inline SVG in the text's colour, decoration only (the text beside them says the same). */

const shapes = {
  healthy: 'M3.5 8.5l3 3 6-7',
  failing: 'M4 4l8 8M12 4l-8 8',
  retrying: 'M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3',
  paused: 'M5.5 3.5v9M10.5 3.5v9',
  running: 'M2 8h10M8.5 4.5L12 8l-3.5 3.5',
  waiting: 'M8 3v5l3 2M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13',
  disabled: 'M5.5 3.5v9M10.5 3.5v9',
  push: 'M3 13L13 3M6 3h7v7',
  pull: 'M13 3L3 13M3 6v7h7',
  warning: 'M8 2l6.5 11.5h-13zM8 6.5v3M8 11.6v.1',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.5 10.5l3.5 3.5',
  plus: 'M8 3v10M3 8h10',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3',
  edit: 'M3 13l.7-3L10.5 3.2a1.2 1.2 0 0 1 1.7 0l.6.6a1.2 1.2 0 0 1 0 1.7L6 12.3z',
  copy: 'M5.5 5.5h7v7h-7zM3.5 10.5v-7h7',
  silent: 'M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={shapes[name]} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
