/** A push request up to its pack: commands and capabilities, gitprotocol-pack(5). */
import { type ObjectFormat, type Oid, zeroOid } from '../object-id.ts';
import { encodePkt, flushPkt } from './pkt-line.ts';

/** Moves one ref from the value it must still have (null: must not exist) to another (null: deleted). */
export interface PushCommand {
  readonly ref: string;
  readonly old: Oid | null;
  readonly new: Oid | null;
}

export interface PushRequest {
  readonly commands: readonly PushCommand[];
  /** Sent with the first command; must have been offered. */
  readonly capabilities: readonly string[];
  readonly objectFormat: ObjectFormat;
}

/** Everything before the pack. A pack follows unless all commands delete. */
export function encodePushRequest({ commands, capabilities, objectFormat }: PushRequest): Buffer {
  const none = zeroOid(objectFormat);
  const parts: Buffer[] = [];
  commands.forEach((command, index) => {
    const line = `${command.old ?? none} ${command.new ?? none} ${command.ref}`;
    parts.push(encodePkt(index === 0 ? `${line}\0 ${capabilities.join(' ')}` : line));
  });
  parts.push(flushPkt);
  return Buffer.concat(parts);
}
