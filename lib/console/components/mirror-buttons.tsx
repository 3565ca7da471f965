/** What a maintainer can do with a mirror, as buttons that post and links to pages that ask. */
import type { Mirror } from '../../model/mirror.ts';
import { mirrorPage } from '../mirror-path.ts';
import { refCount } from '../ref-words.ts';
import { ForeignText } from './foreign-text.tsx';
import { PostButton } from './form.tsx';
import { Icon } from './icon.tsx';

interface Props {
  readonly mirror: Mirror;
  /** Names it for people who hear the buttons one by one. */
  readonly what: string;
  /** Where to come back to. */
  readonly back: string;
}

export function MirrorButtons({ mirror, what, back }: Props) {
  const page = mirrorPage(mirror);
  const name = (
    <span class="visually-hidden">
      {' '}
      <ForeignText text={what} />
    </span>
  );
  const toBack = <input type="hidden" name="back" value={back} />;
  const id = (action: string) => `${action}-${mirror.mirror}`;
  return (
    <span class="actions">
      {mirror.enabled ? (
        <PostButton
          action={`${page}/update`}
          id={id('update')}
          label={
            <>
              <Icon name="refresh" />
              {mirror.paused ? 'Resume and update' : 'Update now'}
              {name}
            </>
          }
        >
          {toBack}
        </PostButton>
      ) : (
        <PostButton action={`${page}/resume`} id={id('resume')} label={<>Resume{name}</>}>
          {toBack}
        </PostButton>
      )}
      {mirror.enabled && mirror.heldBackDeletions > 0 && (
        <a class="button button-danger" href={`${page}/delete-held-back`} id={id('confirm')}>
          Delete {refCount(mirror.heldBackDeletions)}…{name}
        </a>
      )}
      <details class="menu">
        <summary class="button button-quiet" id={id('menu')}>
          More
          <span class="visually-hidden">
            {' '}
            actions for <ForeignText text={what} />
          </span>
        </summary>
        <span class="menu-items">
          <a href={page} id={id('history')}>
            History and key
          </a>
          <a href={`${page}/edit`}>Edit</a>
          {mirror.enabled && (
            <PostButton action={`${page}/pause`} label={<>Pause{name}</>}>
              {toBack}
            </PostButton>
          )}
          <a class="menu-danger" href={`${page}/delete`}>
            Delete
          </a>
        </span>
      </details>
    </span>
  );
}
