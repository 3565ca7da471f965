/** One LFS step between real servers: its tries, what it asks the source for, and answers of the test's own. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { ReceivePack } from '../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import type { Transport } from '../../lib/git/transport/transport.ts';
import { LfsServer } from '../../lib/lfs/lfs-server.ts';
import { type LfsInput, LfsStep } from '../../lib/mirror/lfs-step.ts';
import { compileRules, defaultRules, type MirrorRules } from '../../lib/mirror/rules.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { git } from './git.ts';
import { transportTo } from './http-transport.ts';
import { type LfsEndOptions, lfsScenario } from './lfs-scenario.ts';
import { started } from './scenario.ts';

/** The same, with the requests that go out. */
function recorded(transport: Transport, requests: string[]): Transport {
  return {
    ...transport,
    async open(service, options) {
      const conversation = await transport.open(service, options);
      return {
        ...conversation,
        request(body, how) {
          if (body instanceof Uint8Array) requests.push(Buffer.from(body).toString('latin1'));
          return conversation.request(body, how);
        },
      };
    },
    close: () => transport.close(),
  };
}

/** Object names in a fetch request. */
export const oidsAfter = (word: 'want' | 'have', request: string | undefined): string[] =>
  [...(request ?? '').matchAll(new RegExp(`${word} ([0-9a-f]{40})`, 'g'))].map(([, oid]) => oid ?? '');

export interface LfsStepOptions extends Partial<LfsInput> {
  /** What the source answers to its fetches in turn; undefined = as git does. */
  readonly answers?: readonly (Buffer | (() => void) | undefined)[];
  readonly target?: LfsEndOptions;
}

/** A step, and the tries that it is asked for. */
export async function lfsStepScene({ answers = [], target: targetEnd = {}, ...input }: LfsStepOptions = {}) {
  const made = await lfsScenario({ target: targetEnd });
  const requests: string[] = [];
  const fetches = () => requests.filter((request) => request.includes('command=fetch'));
  const server = await started(join(made.folder, 'source'), {
    intercept({ isRpc, request, response }) {
      const answer = isRpc && requests.at(-1)?.includes('command=fetch') === true ? answers[fetches().length - 1] : undefined;
      if (answer === undefined) return false;
      request.resume();
      if (Buffer.isBuffer(answer)) response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).end(answer);
      else answer();
      return true;
    },
  });
  const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
  const deadline = createDeadline(60_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
  });
  const redactor = createRedactor([]);
  const connectLfs = (side: 'source' | 'target') =>
    new LfsServer(
      { side, url: parseRepositoryUrl(made[side].url, 'TEST').url, credential: undefined, lfsUrl: undefined },
      { http, deadline, redactor },
    );
  const step = new LfsStep(
    { mode: 'auto', everything: false, failedBefore: [], ...input },
    { deadline, connectLfs, redactor, onBytes: () => {} },
  );
  /** One try: writes these refs, to a target with what it shows and `more`. */
  const attempt = async (refs: readonly string[], more: readonly (readonly [string, string])[] = [], rules: Partial<MirrorRules> = {}) => {
    const source = await UploadPack.open(recorded(transportTo(server.url('repo.git'), { deadline }), requests));
    const { refs: listed, headBranch } = await source.listRefs(['refs/heads/', 'refs/tags/']);
    const values = new Map(listed.map(({ name, oid }) => [name, oid]));
    const target = await ReceivePack.open(transportTo(made.target.url, { deadline }));
    const targetValues = new Map([...more, ...target.refs.map(({ name, oid }) => [name, oid] as const)]);
    const changes = refs.map((ref) => {
      const [old, value] = [targetValues.get(ref) ?? null, values.get(ref) ?? null];
      return { kind: 'change', ref, old, new: value, result: 'updated' } as const;
    });
    const plan = {
      changes,
      stays: [],
      notes: [],
      divergedDefaultBranch: undefined,
      fastForwards: [],
      ambiguous: new Map<string, string>(),
    };
    const compiled = await compileRules({ ...defaultRules, ...rules });
    await step.copy({
      plan,
      source,
      sourceRefs: { values, impossible: new Set<string>(), headBranch },
      target,
      targetValues,
      rules: compiled,
    });
  };
  const branch = (name: string, from: string) => git(made.source.path, ['branch', '--force', name, from]);
  return { ...made, step, attempt, fetches, branch, deadline };
}
