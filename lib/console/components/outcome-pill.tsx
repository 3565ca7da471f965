/** How a run ended, as icon and word. */
import { Icon, type IconName } from './icon.tsx';

const outcomes = {
  success: { icon: 'healthy', label: 'Succeeded' },
  partial: { icon: 'warning', label: 'In part' },
  failed: { icon: 'failing', label: 'Failed' },
} as const satisfies Readonly<Record<string, { readonly icon: IconName; readonly label: string }>>;

export function OutcomePill({ outcome }: { readonly outcome: keyof typeof outcomes }) {
  const { icon, label } = outcomes[outcome];
  return (
    <span class={`pill pill-${outcome}`}>
      <Icon name={icon} />
      {label}
    </span>
  );
}
