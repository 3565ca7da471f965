/** How to speak to both ends of a mirror, remembered by an ordinary run for narrow runs soon after it. Never what they have. */
import type { ReceivePack } from '../git/client/push-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { ObjectFormat } from '../git/object-id.ts';
import type { Transport } from '../git/transport/transport.ts';
import type { Capabilities } from '../git/wire/capabilities.ts';

export interface KnownSide {
  /** Behind redirects. */
  readonly address: string;
  /** Of the source's git-upload-pack (protocol v2), of the target's git-receive-pack. */
  readonly capabilities: readonly string[];
}

export interface KnownSides {
  readonly source: KnownSide;
  readonly target: KnownSide;
  readonly objectFormat: ObjectFormat;
  /** What the source's HEAD named; null = nothing. */
  readonly headBranch: string | null;
}

/** C git and JGit take requests without discovery, and move a ref only from the value that they are told. Others were not tried, or failed that (dulwich). */
const agents = /^(git|JGit)\//;
/** Differ from one conversation to the next, or say what the ends have. */
const passing = /^(symref|push-cert|session-id)(=|$)/;
/** Git names a dozen capabilities. */
const mostBytes = 1500;

/** undefined = not for narrow runs. */
export function knownSides(
  ends: { readonly source: UploadPack; readonly target: ReceivePack; readonly headBranch: string | undefined },
  transports: Readonly<Record<'source' | 'target', Pick<Transport, 'address'>>>,
): KnownSides | undefined {
  const { source, target, headBranch } = ends;
  const isFit =
    source.version === 2 && target.shallows.length === 0 && isKnownAgent(source.capabilities) && isKnownAgent(target.capabilities);
  const known: KnownSides = {
    source: { address: transports.source.address, capabilities: lasting(source.capabilities) },
    target: { address: transports.target.address, capabilities: lasting(target.capabilities) },
    objectFormat: source.objectFormat,
    headBranch: headBranch ?? null,
  };
  return isFit && JSON.stringify([known.source.capabilities, known.target.capabilities]).length <= mostBytes ? known : undefined;
}

function isKnownAgent(capabilities: Capabilities): boolean {
  return agents.test(capabilities.value('agent') ?? '');
}

function lasting(capabilities: Capabilities): readonly string[] {
  return capabilities.words().filter((word) => !passing.test(word));
}
