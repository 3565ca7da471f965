/** History questions put to the source server: is this commit contained in that one, has it this tag object? A yes is proven by ids computed here. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Oid } from '../object-id.ts';
import { type CommitGraph, readCommitGraph, Walk, walkAll } from '../pack/commit-graph.ts';
import { namedByTag, type ObjectType } from '../pack/git-object.ts';
import type { IncomingPack } from '../pack/incoming-pack.ts';
import { readPackObjects } from '../pack/pack-objects.ts';
import { type ContainmentQuestion, groupsByWithin, type HistoryAnswer, questionKey, type TagQuestion } from './history-questions.ts';
import { noAnswer, QuestionPacks } from './question-packs.ts';
import type { UploadPack } from './upload-pack.ts';

export interface AskOptions {
  /** Whether the answer decides what happens to a ref: then more of what is open after the common questions is asked alone. */
  readonly decisive: boolean;
}

type Settled = ReadonlyMap<string, HistoryAnswer>;

/**
 * Asks for the commits between two values, hashes them, and walks from the newer to the older: only a chain is a yes. What the source says (an
 * acknowledgement, an empty pack, an error) is never one. How it asks is in docs/decisions/0013-proven-history.md. Remembers what the server cannot do.
 */
export class History {
  readonly #source: UploadPack;
  readonly #listed: ReadonlySet<Oid>;
  readonly #signal: AbortSignal;
  readonly #packs: QuestionPacks;

  /** `listed`: the values that the source lists. */
  constructor(source: UploadPack, listed: ReadonlySet<Oid>, signal: AbortSignal) {
    this.#source = source;
    this.#listed = listed;
    this.#signal = signal;
    this.#packs = new QuestionPacks(source);
  }

  /**
   * Answers all questions, together where that is possible. Keys are those of `questionKey`. Throws only when the run must end (deadline, credentials).
   * One request for any number of branches that were moved forward, or for one that is to be deleted.
   */
  async contained(questions: readonly ContainmentQuestion[], options: AskOptions): Promise<Map<string, HistoryAnswer>> {
    const answers = new Map<string, HistoryAnswer>();
    let open: ContainmentQuestion[] = [];
    for (const question of questions) {
      const key = questionKey(question);
      if (question.commit === question.within) answers.set(key, 'yes');
      else if (!this.#listed.has(question.within)) answers.set(key, { undecided: 'the source does not list that value' });
      else if (!answers.has(key)) {
        answers.set(key, { undecided: 'the source does not show it' });
        open.push(question);
      }
    }
    const settle = (settled: Settled): void => {
      for (const [key, answer] of settled) answers.set(key, answer);
      open = open.filter((question) => !settled.has(questionKey(question)));
    };
    let why = 'the source does not show how its history leads there';
    let isTooLarge = false;
    const attempt = async (ask: () => Promise<Settled>): Promise<void> => {
      try {
        settle(await ask());
      } catch (error) {
        why = noAnswer(error);
        isTooLarge ||= error instanceof GitferryError && error.code === 'history_too_large';
      }
    };
    for (const part of partsOf(open)) await attempt(() => this.#together(part));
    if (open.length > 0 && questions.length > 1) await attempt(() => this.#lost(open));
    // Where the commits down to some of them are too many, those down to all of them are.
    const groups = groupsByWithin(open).filter(({ length }) => length > 1);
    if (options.decisive) for (const group of groups) if (!isTooLarge) await attempt(() => this.#downTo(group));
    const left = questions.length === 1 ? [] : open.slice(0, options.decisive ? limits.aloneQuestions : limits.idleQuestions);
    await inParallel(left, (question) => attempt(() => this.#together([question])));
    for (const question of open) answers.set(questionKey(question), { undecided: why });
    return answers;
  }

  /**
   * One request for the commits that lead from the newer values down to the older ones. A value whose chain leads through another older one stays open:
   * the source leaves out what that one reaches.
   */
  async #together(questions: readonly ContainmentQuestion[]): Promise<Settled> {
    const settled = new Map<string, HistoryAnswer>();
    const isV2 = this.#source.version === 2;
    // A v0 server sends a pack whatever it knows, and for a have that it does not know, all of its history.
    const all = [...new Set(questions.map(({ commit }) => commit))];
    const haves = isV2 ? all : await this.#maybeKnown(all);
    const open = isV2 ? questions : questions.filter(({ commit }) => haves.includes(commit));
    for (const question of questions) if (!open.includes(question)) settled.set(questionKey(question), 'no');
    const groups = groupsByWithin(open);
    if (groups.length === 0) return settled;
    const wants = groups.flatMap(([first]) => first?.within ?? []);
    await this.#packs.ask({ wants, haves, done: !isV2 }, async ({ acknowledged, pack }) => {
      const graph = pack === undefined ? undefined : await this.#graphOf(pack);
      const isProven = graph === undefined ? undefined : await walkAll(graph, groups);
      for (const question of open) {
        const key = questionKey(question);
        if (isProven?.(question) === true) {
          settled.set(key, 'yes');
          continue;
        }
        const isUnknown = isV2 && !acknowledged.has(question.commit);
        // Of one alone the whole way down to it was asked for: the source shows none.
        if (isUnknown || open.length === 1) settled.set(key, 'no');
      }
    });
    return settled;
  }

  /** One request for the commits that the older values have and no newer one has: an older value among them is contained in none. */
  async #lost(questions: readonly ContainmentQuestion[]): Promise<Settled> {
    const settled = new Map<string, HistoryAnswer>();
    const withins = [...new Set(questions.map(({ within }) => within))];
    // With v0 only listed values can be asked for. All newer sides have to be among the haves, or what only an omitted one contains would seem lost.
    if (this.#source.version !== 2 || withins.length > limits.haves) return settled;
    const wants = [...new Set(questions.map(({ commit }) => commit))];
    await this.#packs.ask({ wants, haves: withins, done: true }, async ({ pack }) => {
      const graph = pack === undefined ? undefined : await this.#graphOf(pack);
      for (const question of questions) if (graph?.has(question.commit) === true) settled.set(questionKey(question), 'no');
    });
    return settled;
  }

  /** One request for all of the history of one value, read until the last of the others was met. */
  async #downTo(questions: readonly ContainmentQuestion[]): Promise<Settled> {
    const settled = new Map<string, HistoryAnswer>();
    const within = questions[0]?.within;
    if (within === undefined) return settled;
    await this.#packs.ask({ wants: [within], haves: [], done: true }, async ({ pack }) => {
      if (pack === undefined) return;
      const wanted = questions.map(({ commit }) => commit);
      let walk: Walk | undefined;
      const onCommit = (oid: Oid, graph: CommitGraph): boolean => {
        walk ??= new Walk(graph, within, wanted);
        walk.continueAt(oid);
        return walk.isDone;
      };
      const settle = (answer: (question: ContainmentQuestion) => HistoryAnswer | undefined): void => {
        for (const question of questions) {
          const found = walk?.found.has(question.commit) === true ? 'yes' : answer(question);
          if (found !== undefined) settled.set(questionKey(question), found);
        }
      };
      try {
        const graph = await readCommitGraph(pack, { format: this.#source.objectFormat, signal: this.#signal, onCommit });
        settle(() => (graph.has(within) ? 'no' : undefined));
      } catch (error) {
        const undecided = noAnswer(error);
        settle(() => ({ undecided }));
      }
    });
    return settled;
  }

  #graphOf(pack: IncomingPack): Promise<CommitGraph> {
    return readCommitGraph(pack, { format: this.#source.objectFormat, signal: this.#signal });
  }

  /** Whether the source has these tag objects, by hashing them, and whether they name what they should. Keys are the tags. */
  async tags(questions: readonly TagQuestion[]): Promise<Map<Oid, HistoryAnswer>> {
    const answers = new Map<Oid, HistoryAnswer>();
    const { version, capabilities } = this.#source;
    const takesAny = version === 2 || capabilities.has('allow-tip-sha1-in-want') || capabilities.has('allow-reachable-sha1-in-want');
    const askable = questions.filter(({ tag }) => takesAny || this.#listed.has(tag));
    for (const { tag } of questions)
      answers.set(tag, { undecided: 'the source (protocol v0) does not show tag objects that it does not list' });
    if (askable.length === 0) return answers;
    let open = askable;
    const attempt = async (ask: () => Promise<void>): Promise<boolean> => {
      try {
        await ask();
        return true;
      } catch (error) {
        const undecided = noAnswer(error);
        for (const { tag } of open) answers.set(tag, { undecided });
        return false;
      }
    };
    const dropUnknown = async (): Promise<void> => {
      const known = new Set(await this.#maybeKnown(open.map(({ tag }) => tag)));
      for (const { tag } of open) if (!known.has(tag)) answers.set(tag, 'no');
      open = open.filter(({ tag }) => known.has(tag));
    };
    // A server refuses a request that names an object which it has not: several are looked through first, one alone afterwards.
    const isAlone = open.length === 1;
    if (!isAlone) await attempt(dropUnknown);
    if (open.length === 0) return answers;
    const isAnswered = await attempt(async () => {
      for (const [tag, answer] of await this.#fetchTags(open)) answers.set(tag, answer);
    });
    if (isAlone && !isAnswered) await attempt(dropUnknown);
    return answers;
  }

  async #fetchTags(questions: readonly TagQuestion[]): Promise<Map<Oid, HistoryAnswer>> {
    const named = new Map<Oid, Oid>();
    const wants = questions.map(({ tag }) => tag);
    const haves = [...new Set(questions.map(({ commit }) => commit))].slice(0, limits.haves);
    await this.#packs.ask({ wants, haves, done: true }, async ({ pack }) => {
      if (pack === undefined) return;
      const { objectFormat: format } = this.#source;
      const onObject = ({ oid, content }: { readonly oid: Oid; readonly content: Buffer }): void => {
        const what = namedByTag(content, format);
        if (what?.type === 'tag' || what?.type === 'commit') named.set(oid, what.oid);
      };
      await readPackObjects(limitedPack(pack), { format, types: tagObjects, maxBytes: limits.historyObjectBytes, onObject });
    });
    return new Map(
      questions.map(({ tag, commit }) => {
        if (!named.has(tag)) return [tag, { undecided: 'the source does not show this tag object' }];
        let end = tag;
        for (let steps = 0; steps < limits.tagSteps && named.has(end); steps++) end = named.get(end) ?? end;
        return [tag, end === commit ? 'yes' : { undecided: 'the tag object names something else than the target says' }];
      }),
    );
  }

  /** Those that the source says it has. With v2 one request for each `limits.probedHaves`; with v0 it may claim more than it has. */
  async #maybeKnown(oids: readonly Oid[]): Promise<Oid[]> {
    const known: Oid[] = [];
    const open = oids.filter((oid) => {
      if (this.#listed.has(oid)) known.push(oid);
      return !this.#listed.has(oid);
    });
    const want = this.#listed.values().next().value;
    const { version, capabilities } = this.#source;
    const speaks = version === 2 || capabilities.has('multi_ack_detailed') || capabilities.has('multi_ack');
    if (want === undefined || !speaks) return [...oids];
    const waitForDone = version === 2 && capabilities.hasFeature('fetch', 'wait-for-done');
    for (let at = 0; at < open.length; at += limits.probedHaves) {
      const haves = open.slice(at, at + limits.probedHaves);
      const request = { wants: [want], haves, done: false, thinPack: false, ofsDelta: false, waitForDone };
      const answer = await this.#source.fetch(request, { patient: false });
      await answer.finish();
      known.push(...haves.filter((oid) => answer.acknowledged.has(oid)));
    }
    return known;
  }
}

/** At most as many as there may be haves. Of questions within one value more are not worth a request: what leads to the first leads to the others. */
function partsOf(questions: readonly ContainmentQuestion[]): ContainmentQuestion[][] {
  const parts: ContainmentQuestion[][] = [];
  for (let at = 0; at < questions.length; at += limits.haves) parts.push(questions.slice(at, at + limits.haves));
  return groupsByWithin(questions).length === 1 ? parts.slice(0, 1) : parts;
}

const tagObjects: ReadonlySet<ObjectType> = new Set(['tag']);

function limitedPack(pack: IncomingPack): IncomingPack {
  async function* limited(): AsyncGenerator<Uint8Array, void> {
    let bytes = 0;
    for await (const chunk of pack.bytes) {
      bytes += chunk.length;
      if (bytes > limits.tagPackBytes) return;
      yield chunk;
    }
  }
  return { ...pack, bytes: limited() };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limits.concurrentQuestions, items.length) }, worker));
}
