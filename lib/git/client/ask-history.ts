/** History questions put to the source server: is this object known there, is this commit contained in that one, is it a commit at all? */
import { limits } from '../../core/limits.ts';
import type { Oid } from '../object-id.ts';
import { type CommitGraph, isAncestor, readCommitGraphFromBytes, walk } from '../pack/commit-graph.ts';
import type { IncomingPack } from '../pack/incoming-pack.ts';
import { type ContainmentQuestion, groupsByWithin, type HistoryAnswer, questionKey } from './history-questions.ts';
import { noAnswer, QuestionPacks } from './question-packs.ts';
import type { UploadPack } from './upload-pack.ts';

export interface AskOptions {
  /** Whether the answer decides what happens to a ref: then a history clone is worth it. Without, the server's own answer or none. */
  readonly decisive: boolean;
}

const commitType = 1;

/**
 * Asks by fetch requests that move (almost) nothing, in the order of architecture.md §1.3: filtered question, unfiltered question, history clone.
 * An error of the server is never an answer. Remembers what the server cannot do.
 */
export class History {
  readonly #source: UploadPack;
  readonly #listed: ReadonlySet<Oid>;
  readonly #signal: AbortSignal;
  readonly #packs: QuestionPacks;
  #questionsWork = true;
  /** Packs that were asked for and not given. */
  #refusals = 0;
  #clone: { readonly wants: ReadonlySet<Oid>; readonly graph: Promise<CommitGraph> } | undefined;

  /** `listed`: the values that the source lists. */
  constructor(source: UploadPack, listed: ReadonlySet<Oid>, signal: AbortSignal) {
    this.#source = source;
    this.#listed = listed;
    this.#signal = signal;
    this.#packs = new QuestionPacks(source);
  }

  /** Which of these objects the source has at all. One request for up to 10,000; with v0 one more for each that seems to be there. */
  async known(oids: readonly Oid[]): Promise<Map<Oid, HistoryAnswer>> {
    const answers = await this.#maybeKnown(oids);
    if (this.#source.version === 2) return answers;
    // A v0 server that has heard enough acknowledges everything, known or not; it has heard nothing yet when there is one have only.
    const seeming = [...answers].flatMap(([oid, answer]) => (answer === 'yes' && !this.#listed.has(oid) ? [oid] : []));
    if (answers.size > 1) {
      await inParallel(seeming, async (oid) => {
        for (const [key, answer] of await this.#maybeKnown([oid])) answers.set(key, answer);
      });
    }
    return answers;
  }

  /** The same in one request: `no` is certain, with v0 `yes` is not. */
  async #maybeKnown(oids: readonly Oid[]): Promise<Map<Oid, HistoryAnswer>> {
    const answers = new Map<Oid, HistoryAnswer>();
    const open = [...new Set(oids)].filter((oid) => {
      if (this.#listed.has(oid)) answers.set(oid, 'yes');
      return !this.#listed.has(oid);
    });
    const want = this.#listed.values().next().value;
    for (let at = 0; at < open.length; at += limits.haves) {
      const batch = open.slice(at, at + limits.haves);
      const acknowledged = want === undefined ? new Set<Oid>() : await this.#probe(want, batch);
      for (const oid of batch) answers.set(oid, answerFor(acknowledged, oid));
    }
    return answers;
  }

  async #probe(want: Oid, haves: readonly Oid[]): Promise<ReadonlySet<Oid> | string> {
    const { version, capabilities } = this.#source;
    if (version !== 2 && !capabilities.has('multi_ack_detailed') && !capabilities.has('multi_ack'))
      return 'the source does not say which objects it has';
    const waitForDone = version === 2 && capabilities.hasFeature('fetch', 'wait-for-done');
    try {
      const answer = await this.#source.fetch(
        { wants: [want], haves, done: false, thinPack: false, ofsDelta: false, waitForDone },
        { patient: false },
      );
      await answer.finish();
      return answer.acknowledged;
    } catch (error) {
      return noAnswer(error);
    }
  }

  /** Answers all questions, each by the cheapest way that works here. Keys are those of `questionKey`. Throws only when the run must end (deadline, credentials). */
  async contained(questions: readonly ContainmentQuestion[], options: AskOptions): Promise<Map<string, HistoryAnswer>> {
    const answers = new Map<string, HistoryAnswer>();
    let open: ContainmentQuestion[] = [];
    for (const question of questions) {
      const key = questionKey(question);
      if (question.commit === question.within) answers.set(key, 'yes');
      else if (!this.#listed.has(question.within)) answers.set(key, { undecided: 'the source does not list that value' });
      else if (!answers.has(key)) open.push(question);
    }
    if (open.length === 0) return answers;
    const settle = (settled: ReadonlyMap<string, HistoryAnswer>): void => {
      for (const [key, answer] of settled) answers.set(key, answer);
      open = open.filter((question) => !answers.has(questionKey(question)));
    };
    // One question alone is its own probe: the server answers or says that it does not know the object.
    if (open.length > 1) settle(await this.#dropUnknown(open));
    const groups = groupsByWithin(open).filter((group) => group.length > 1);
    // One after the other, and each may be answered slowly: names of results are not worth hundreds of them, and a source that refuses some refuses all.
    for (const group of options.decisive ? groups : groups.slice(0, limits.idleQuestions)) {
      if (this.#refusals >= limits.refusedQuestions) break;
      settle(await this.#manyWithinOne(group));
    }
    if (open.length >= limits.pairsForCommitList) settle(await this.#byCommitLists(open));
    if (!options.decisive && open.length > limits.idleQuestions) {
      for (const question of open) answers.set(questionKey(question), { undecided: 'there were too many such questions' });
      return answers;
    }
    settle(await this.#oneByOne(open));
    if (open.length > 0) settle(await this.#lastResort(open, options));
    return answers;
  }

  /** Objects that the source does not know are contained in nothing it has. */
  async #dropUnknown(questions: readonly ContainmentQuestion[]): Promise<Map<string, HistoryAnswer>> {
    const known = await this.#maybeKnown(questions.map(({ commit }) => commit));
    const settled = new Map<string, HistoryAnswer>();
    for (const question of questions) if (known.get(question.commit) === 'no') settled.set(questionKey(question), 'no');
    return settled;
  }

  /** Many commits against one: an empty pack says yes to all, else those found in the pack are the ones not contained. */
  async #manyWithinOne(questions: readonly ContainmentQuestion[]): Promise<Map<string, HistoryAnswer>> {
    const settled = new Map<string, HistoryAnswer>();
    const within = questions[0]?.within;
    if (within === undefined || !this.#questionsWork) return settled;
    const wants = [...new Set(questions.map(({ commit }) => commit))];
    const graph = await this.#differenceGraph(wants, [within]);
    if (graph === undefined) return settled;
    for (const question of questions) settled.set(questionKey(question), graph.has(question.commit) ? 'no' : 'yes');
    return settled;
  }

  /**
   * Many pairs in two requests. The commits that the newer sides have and the older ones lack: a walk from the new value that meets the old one says
   * yes. The commits that the older sides have and no newer one has: an old value among them is contained in none. What is left is rare.
   */
  async #byCommitLists(questions: readonly ContainmentQuestion[]): Promise<Map<string, HistoryAnswer>> {
    const settled = new Map<string, HistoryAnswer>();
    if (!this.#questionsWork || !this.#packs.filterWorks) return settled;
    const older = [...new Set(questions.map(({ commit }) => commit))].slice(0, limits.haves);
    const newer = new Set([...new Set(questions.map(({ within }) => within))].slice(0, limits.haves));
    const added = await this.#differenceGraph([...newer], older);
    const isOpen = (question: ContainmentQuestion): boolean => !settled.has(questionKey(question));
    for (const question of added === undefined ? [] : questions) {
      const seen = added?.has(question.within) ? walk(added, question.within, question.commit) : 'open';
      if (seen !== 'open') settled.set(questionKey(question), seen === 'found' ? 'yes' : 'no');
    }
    const open = questions.filter(isOpen);
    // All of the newer sides have to be among the haves, or a commit that only an omitted one contains would seem to be in none.
    if (open.length < limits.pairsForCommitList || open.some(({ within }) => !newer.has(within))) return settled;
    const lost = await this.#differenceGraph([...new Set(open.map(({ commit }) => commit))], [...newer]);
    for (const question of open) if (lost?.has(question.commit)) settled.set(questionKey(question), 'no');
    return settled;
  }

  /** Commits that `wants` reach and `haves` do not, if the server lists them and they are not too many; empty is answered without a filter too. */
  async #differenceGraph(wants: readonly Oid[], haves: readonly Oid[]): Promise<CommitGraph | undefined> {
    try {
      return await this.#packs.ask({ wants, haves }, async (pack) => {
        if (pack.objects === 0) return new Map();
        if (!this.#packs.filterWorks || this.#source.objectFormat !== 'sha1' || pack.objects > limits.commitListObjects) return undefined;
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of pack.bytes) {
          bytes += chunk.length;
          if (bytes > limits.commitListBytes) return undefined;
          chunks.push(chunk);
        }
        return readCommitGraphFromBytes(Buffer.concat(chunks), pack.objects, this.#signal);
      });
    } catch (error) {
      noAnswer(error);
      this.#refusals++;
      return undefined;
    }
  }

  async #oneByOne(questions: readonly ContainmentQuestion[]): Promise<Map<string, HistoryAnswer>> {
    const settled = new Map<string, HistoryAnswer>();
    await inParallel(questions, async (question) => {
      if (!this.#questionsWork) return;
      const answer = await this.#askServer(question);
      if (answer === undefined) this.#questionsWork = false;
      else settled.set(questionKey(question), answer);
    });
    return settled;
  }

  /** One question to the server; undefined if it does not answer such questions. */
  async #askServer({ commit, within }: ContainmentQuestion): Promise<'yes' | 'no' | undefined> {
    try {
      return await this.#packs.ask({ wants: [commit], haves: [within] }, async ({ objects }) => (objects === 0 ? 'yes' : 'no'));
    } catch (error) {
      noAnswer(error);
      return (await this.known([commit])).get(commit) === 'no' ? 'no' : undefined;
    }
  }

  /** Clones the commits of all values asked about, once, and answers from there. */
  async #lastResort(questions: readonly ContainmentQuestion[], { decisive }: AskOptions): Promise<Map<string, HistoryAnswer>> {
    const settled = new Map<string, HistoryAnswer>();
    const undecided = (why: string): void => {
      for (const question of questions) settled.set(questionKey(question), { undecided: why });
    };
    if (!decisive) {
      undecided('the source does not answer history questions');
      return settled;
    }
    try {
      const wants = questions.map(({ within }) => within);
      if (this.#clone === undefined || wants.some((oid) => this.#clone?.wants.has(oid) !== true)) {
        this.#clone = { wants: new Set(wants), graph: this.#packs.clone(wants, this.#signal) };
      }
      const graph = await this.#clone.graph;
      for (const { commit, within } of questions)
        settled.set(questionKey({ commit, within }), isAncestor(graph, commit, within) ? 'yes' : 'no');
    } catch (error) {
      undecided(noAnswer(error));
    }
    return settled;
  }

  /** Which of these objects, all known to the source, are commits: the type of the first object in a pack of depth one. */
  async areCommits(oids: readonly Oid[]): Promise<Map<Oid, HistoryAnswer>> {
    const answers = new Map<Oid, HistoryAnswer>();
    await inParallel([...new Set(oids)], async (oid) => {
      try {
        answers.set(oid, await this.#packs.ask({ wants: [oid], haves: [], depth: 1 }, firstIsCommit));
      } catch (error) {
        const undecided = noAnswer(error);
        answers.set(oid, (await this.#isCommitOfClone(oid)) ? 'yes' : { undecided });
      }
    });
    return answers;
  }

  /** What a walk along parents meets is a commit. No clone is made for this question alone. */
  async #isCommitOfClone(oid: Oid): Promise<boolean> {
    const clone = this.#clone;
    const graph = await clone?.graph.catch(() => undefined);
    return clone !== undefined && graph !== undefined && [...clone.wants].some((want) => isAncestor(graph, oid, want));
  }
}

async function firstIsCommit(pack: IncomingPack): Promise<'yes' | 'no'> {
  const headerBytes = 12;
  let head = Buffer.alloc(0);
  for await (const chunk of pack.bytes) {
    head = Buffer.concat([head, chunk]);
    if (head.length > headerBytes) break;
  }
  // gitformat-pack(5): bits 4 to 6 of an entry's first byte are its type.
  return pack.objects > 0 && (((head[headerBytes] ?? 0) >> 4) & 7) === commitType ? 'yes' : 'no';
}

function answerFor(acknowledged: ReadonlySet<Oid> | string, oid: Oid): HistoryAnswer {
  if (typeof acknowledged === 'string') return { undecided: acknowledged };
  return acknowledged.has(oid) ? 'yes' : 'no';
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limits.concurrentQuestions, items.length) }, worker));
}
