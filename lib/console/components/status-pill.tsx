/** A mirror's state as icon and word, never as colour alone. */
import { type MirrorState, stateLabels } from '../mirror-state.ts';
import { Icon } from './icon.tsx';

export function StatusPill({ state, label = stateLabels[state] }: { readonly state: MirrorState; readonly label?: string }) {
  return (
    <span class={`pill pill-${state}`}>
      <Icon name={state} />
      {label}
    </span>
  );
}
