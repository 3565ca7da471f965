/** Feeds every codec and parser with bytes and texts of all kinds; a case that breaks a promise is printed in its smallest form. */
import fc from 'fast-check';
import { fuzzOracles } from './fuzz-oracles.ts';
import { fuzzProperties } from './fuzz-properties.ts';
import type { TorturePart } from './torture-part.ts';

const promised = 'an answer or a coded refusal, the same however the bytes are cut, and the right one where that is known; no other error';

/** Of one codec or parser. 100,000 cases take seconds to minutes: what takes longer than this hangs. */
const longestMs = 30 * 60_000;

export const fuzz: TorturePart = {
  name: 'fuzz',
  async run({ seed, cases, report }) {
    for (const { name, property } of [...fuzzProperties, ...fuzzOracles]) {
      const startedAt = performance.now();
      const result = await fc.check(property, {
        seed,
        numRuns: cases,
        verbose: 0,
        interruptAfterTimeLimit: longestMs,
        markInterruptAsFailure: true,
      });
      const seen = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
      const breach = `case ${fc.stringify(result.counterexample)} (path ${result.counterexamplePath}): ${String(result.errorInstance)}`;
      report({ fault: name, injected: result.numRuns, promised, seen, breaches: result.failed ? [breach] : [] });
    }
  },
};
