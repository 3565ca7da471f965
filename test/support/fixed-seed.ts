/** The seed of all that tests draw: the same in every run, so that a fresh clone passes or fails for its own code alone. */
// `GITFERRY_TEST_SEED=N` takes another one, `GITFERRY_TEST_SEED=random` one by chance, which failures name. Random search belongs to `npm run torture`;
// what it finds becomes a case of its own.
import fc from 'fast-check';

const wanted = process.env['GITFERRY_TEST_SEED'] ?? '20261201';

export const testSeed = wanted === 'random' ? Date.now() % 1_000_000_000 : Number(wanted);

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed });
