/** What people read: what happened, since when, why, and what to do. Pure. */
import type { NoticeEvent } from './published-event.ts';

type Facts = Omit<NoticeEvent, 'title' | 'text'>;

export interface Words {
  /** One line. */
  readonly title: string;
  /** A few lines; empty where the title says all. */
  readonly text: string;
}

export function describe(facts: Facts): Words {
  return { title: titleOf(facts), text: linesOf(facts).join('\n') };
}

function titleOf(facts: Facts): string {
  const mirror = mirrorOf(facts);
  const host = facts.host ?? 'A Git host';
  const credential = facts.credential === null ? 'a shared credential' : `the credential ${facts.credential.name}`;
  switch (facts.type) {
    case 'mirror.failing':
      return `${mirror} fails`;
    case 'mirror.recovered':
      return `${mirror} works again`;
    case 'mirror.paused':
      return `${mirror} is paused: it has failed for too long`;
    case 'mirror.needs_decision':
      return `${mirror} needs a decision: ${decisionOf(facts)}`;
    case 'mirror.first_success':
      return `${mirror} has worked for the first time`;
    case 'mirror.updated':
      return `${mirror} has moved ${counted(facts.refs_total ?? 0, 'ref')}`;
    case 'host.down':
      return `${host} gives no answer: ${counted(facts.mirrors ?? 0, 'mirror')} ${facts.mirrors === 1 ? 'waits' : 'wait'}`;
    case 'host.up':
      return `${host} answers again: ${counted(facts.mirrors ?? 0, 'mirror')} ${facts.mirrors === 1 ? 'goes' : 'go'} on`;
    case 'credential.refused':
      return `${host} refuses ${credential}: ${counted(facts.mirrors ?? 0, 'mirror')}`;
    case 'credential.accepted':
      return `${host} accepts ${credential} again: ${counted(facts.mirrors ?? 0, 'mirror')}`;
    case 'hook.silent':
      return `${facts.project?.path ?? 'A project'}: a webhook does not come any more`;
    default:
      return facts.type;
  }
}

function linesOf({ type, since, error, refs, refs_total: total }: Facts): string[] {
  const lines: string[] = [];
  if (isTrouble(type)) lines.push(`Since ${timeOf(since)}.`);
  if (isEnd(type)) lines.push(`It did not since ${timeOf(since)}.`);
  if (error !== null) lines.push(`Why: ${error.message} (${error.code})`, `What to do: ${error.hint}`);
  const advice = advices[type];
  if (advice !== undefined && error === null) lines.push(`What to do: ${advice}`);
  for (const { ref, result, old, new: value } of (refs ?? []).slice(0, shownRefs))
    lines.push(`${ref}: ${result}, ${shortOid(old)} → ${shortOid(value)}`);
  if (refs !== null && (total ?? 0) > shownRefs) lines.push(`and ${(total ?? 0) - Math.min(shownRefs, refs.length)} more`);
  return lines;
}

const shownRefs = 10;
const advices: Readonly<Record<string, string>> = {
  'mirror.needs_decision':
    'look at what would be deleted. If that is meant, update the mirror and confirm the deletions; otherwise restore the branches at the source.',
  'hook.silent': "look at the webhook's last deliveries at the Git host. Until they come again, changes are found by the schedule only.",
  'host.down': 'look whether the host is up and can be reached from here. Its mirrors go on by themselves when it answers.',
};

function isTrouble(type: string): boolean {
  return ['mirror.failing', 'mirror.paused', 'mirror.needs_decision', 'host.down', 'credential.refused', 'hook.silent'].includes(type);
}

function isEnd(type: string): boolean {
  return ['mirror.recovered', 'host.up', 'credential.accepted'].includes(type);
}

function mirrorOf({ project, mirror }: Facts): string {
  const name = project?.path ?? 'A project';
  if (mirror === null) return name;
  const kind = mirror.direction === 'pull' ? 'the pull mirror' : `push mirror ${mirror.name}`;
  if (mirror.url === undefined) return `${name}: ${kind}`;
  return `${name}: ${kind} (${mirror.direction === 'pull' ? 'from' : 'to'} ${mirror.url.replace(/^[a-z]+:\/\//, '')})`;
}

function decisionOf({ decision, count }: Facts): string {
  switch (decision) {
    case 'deletions_held_back':
      return `${counted(count ?? 0, 'deletion')} ${count === 1 ? 'is' : 'are'} held back`;
    case 'default_branch_diverged':
      return 'the default branch has diverged';
    case 'key_not_at_host':
      return 'its public key is not at the host yet';
    default:
      return 'see the mirror';
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function shortOid(oid: string | null): string {
  return oid === null ? 'none' : oid.slice(0, 12);
}

/** To the minute: `2026-03-01 10:04 UTC`. */
function timeOf(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
