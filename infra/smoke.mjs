/** `npm run smoke`: tries a deployment from outside with two repositories, and leaves nothing behind. Tells nobody the token. */
import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const usage = `Usage: npm run smoke -- --url URL (--token TOKEN | --token-file FILE) --source REPOSITORY --target REPOSITORY [options]

  --url URL            where the instance is: the output ConsoleUrl, or ApiUrl
  --token TOKEN        of an owner
  --token-file FILE    holds it, or {"token":"..."}; - = standard input
  --source REPOSITORY  https:// URL, with user and password where it needs them
  --target REPOSITORY  the same; gets the branches and tags of the source; nothing in it is overwritten or deleted
  --branch NAME        mirrors this branch only, and no tags
  --timeout SECONDS    for each run (180)

Exit status: 0 all is well, 1 something is not, 2 wrong usage, 3 something was left behind, 130 interrupted.
`;
const requestMs = 30_000;
const pollMs = 500;

/** What went wrong, in words for people. `status` is the exit status. */
class SmokeError extends Error {
  /** @param {string} message @param {number} [status] */
  constructor(message, status = 1) {
    super(message);
    this.status = status;
  }
}

/** Every secret that was given: none of them is ever printed. @type {string[]} */
const secrets = [];
/** @param {string} text */
const redacted = (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
/** @param {string} text */
const say = (text) => void process.stdout.write(`${redacted(text)}\n`);

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    // Asked twice: at once.
    if (interrupted.signal.aborted) process.exit(130);
    process.stderr.write('Interrupted: removing what was made. Once more ends at once.\n');
    interrupted.abort(new SmokeError('interrupted', 130));
  });
}

/** @param {string[]} args */
async function readOptions(args) {
  const text = /** @type {const} */ ({ type: 'string' });
  const names = ['url', 'token', 'token-file', 'source', 'target', 'branch', 'timeout'];
  const options = Object.fromEntries(names.map((name) => [name, text]));
  const { values } = parseArgs({ args, options, strict: true });
  const wanted = (/** @type {string} */ name) => values[name] ?? wrong(`--${name} is missing`);
  const seconds = Number(values.timeout ?? 180);
  if (!(seconds >= 1 && seconds <= 3600)) wrong('--timeout takes 1 to 3600 seconds');
  const api = addressOf('url', wanted('url'));
  if (api.username !== '') wrong('--url takes no user');
  const token = await tokenOf(values);
  secrets.push(token);
  return {
    api: `${api.origin}/api/v4`,
    token,
    source: repositoryOf('source', wanted('source')),
    target: repositoryOf('target', wanted('target')),
    branch: values.branch,
    timeoutMs: seconds * 1000,
  };
}

/** @returns {never} @param {string} message */
function wrong(message) {
  throw new SmokeError(message, 2);
}

/** Values are not repeated: they may hold passwords. @param {string} name @param {string} value */
function addressOf(name, value) {
  const url = URL.canParse(value) ? new URL(value) : wrong(`--${name} is no URL`);
  const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) wrong(`--${name} takes an https:// URL`);
  return url;
}

/** @param {string} name @param {string} value */
function repositoryOf(name, value) {
  const url = addressOf(name, value);
  const { username, password } = url;
  [url.username, url.password] = ['', ''];
  if (password !== '') secrets.push(password, decodeURIComponent(password));
  return { url: url.href, ...(username === '' ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) }) };
}

/** @param {Record<string, string | undefined>} values */
async function tokenOf({ token, 'token-file': file }) {
  if ((token === undefined) === (file === undefined)) wrong('--token or --token-file, one of them');
  const text =
    token ?? (await (file === '-' ? readInput() : readFile(String(file), 'utf8').catch(() => wrong('--token-file cannot be read'))));
  const value = text.trim().startsWith('{') ? tokenIn(text) : text.trim();
  return /^[\x21-\x7e]{8,255}$/.test(value) ? value : wrong('that is no token');
}

/** The parser's own message would repeat the text. @param {string} text */
function tokenIn(text) {
  try {
    return String(JSON.parse(text).token);
  } catch {
    return '';
  }
}

async function readInput() {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  return text;
}

/** @param {Awaited<ReturnType<typeof readOptions>>} options */
function createClient({ api, token }) {
  /** Throws unless the answer's status is expected. @param {string} method @param {string} path @param {object} [body] @param {number[]} [expected] */
  return async function call(method, path, body, expected = [200, 201, 202, 204]) {
    const url = path.startsWith('https:') || path.startsWith('http:') ? path : `${api}${path}`;
    const given = body instanceof Signed ? body : undefined;
    const headers = given?.headers ?? { 'private-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const sent = given?.body ?? (body === undefined ? undefined : JSON.stringify(body));
    const signal =
      path.includes('gitferry-smoke') && method === 'DELETE'
        ? AbortSignal.timeout(requestMs)
        : AbortSignal.any([AbortSignal.timeout(requestMs), interrupted.signal]);
    const response = await fetch(url, { method, headers, signal, redirect: 'manual', ...(sent === undefined ? {} : { body: sent }) }).catch(
      (error) => {
        interrupted.signal.throwIfAborted();
        throw new SmokeError(`${method} ${path.split('?')[0]}: no answer (${error.cause?.code ?? error.name})`);
      },
    );
    const text = await response.text();
    if (!expected.includes(response.status)) throw new SmokeError(`${method} ${shown(path)}: ${response.status} ${text.slice(0, 500)}`);
    try {
      return text === '' ? undefined : JSON.parse(text);
    } catch {
      throw new SmokeError(`${method} ${shown(path)}: the answer is not JSON: is this a gitferry instance?`);
    }
  };
}

/** The token of a hook is in its path. @param {string} path */
function shown(path) {
  return path.includes('/hooks/') ? 'the hook' : path;
}

/** A delivery as GitHub sends it. */
class Signed {
  /** @param {string} secret @param {object} payload */
  constructor(secret, payload) {
    this.body = JSON.stringify(payload);
    const signature = createHmac('sha256', secret).update(this.body).digest('hex');
    this.headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${signature}` };
  }
}

/** @param {Awaited<ReturnType<typeof readOptions>>} options */
async function smoke(options) {
  const { source, target, branch, timeoutMs } = options;
  const call = createClient(options);
  const path = `gitferry-smoke/${randomBytes(6).toString('hex')}`;
  const project = `/projects/${encodeURIComponent(path)}`;
  /** @type {unknown} */
  let failure;
  const version = await call('GET', '/version');
  await call('GET', '/user');
  say(`ok  the instance answers, version ${version.version}`);
  try {
    await call('POST', '/projects', { path, repository_url: source.url, ...credentialOf(source) });
    say(`ok  project ${path}`);
    const hook = await call('POST', `${project}/incoming_hooks`, { provider: 'github' });
    secrets.push(hook.secret, hook.url);
    const rules =
      branch === undefined ? {} : { mirror_branch_regex: `^${branch.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, mirror_tags: 'none' };
    // Nothing of the target's is overwritten or deleted.
    const made = await call('POST', `${project}/remote_mirrors`, {
      url: urlWith(target),
      enabled: true,
      keep_divergent_refs: true,
      ...rules,
    });
    const mirror = `${project}/remote_mirrors/${made.id}`;
    await checkRun(await waitForRun(call, mirror, 1, timeoutMs), 'first run', call, mirror);
    const ref = `refs/heads/${branch ?? (await call('GET', project)).default_branch ?? 'main'}`;
    const delivery = new Signed(hook.secret, { ref, repository: { clone_url: source.url } });
    const { status } = await call('POST', hook.url, delivery);
    if (!['queued', 'merged'].includes(status)) throw new SmokeError(`the webhook is ${status}: no mirror is concerned`);
    say('ok  a signed webhook is taken');
    await checkRun(await waitForRun(call, mirror, 2, timeoutMs), 'run of the webhook', call, mirror);
    const plan = await call('GET', `${mirror}/plan`);
    const open = plan.refs.filter((/** @type {{ result: string }} */ each) => each.result !== 'kept');
    if (plan.outcome !== 'success' || open.length > 0)
      throw new SmokeError(`after all that ${open.length} refs still differ: ${plan.error?.message ?? ''}`);
    say('ok  both repositories have the same refs');
  } catch (error) {
    failure = error;
  }
  // Even if making it seemed to fail: the answer may have been lost.
  await call('DELETE', project, undefined, [200, 202, 204, 404]).catch((error) => {
    throw new SmokeError(
      `${error.message}\nThe project ${path} was left behind: delete it. ${failure instanceof Error ? failure.message : ''}`,
      3,
    );
  });
  say('ok  removed again');
  if (failure !== undefined) throw failure;
}

/** @param {{ username?: string, password?: string }} repository */
function credentialOf({ username, password }) {
  return username === undefined ? {} : { username, password };
}

/** A mirror's URL takes its credential with it. @param {{ url: string, username?: string, password?: string }} repository */
function urlWith({ url, username, password }) {
  const full = new URL(url);
  if (username !== undefined) [full.username, full.password] = [encodeURIComponent(username), encodeURIComponent(password ?? '')];
  return full.href;
}

/** Resolves with the newest of at least so many runs, when none is under way. @param {ReturnType<typeof createClient>} call @param {string} mirror @param {number} count @param {number} timeoutMs */
async function waitForRun(call, mirror, count, timeoutMs) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const { update_status: status, last_error: error } = await call('GET', mirror);
    const runs = await call('GET', `${mirror}/runs`);
    if (runs.length >= count && ['finished', 'failed'].includes(status)) return call('GET', `${mirror}/runs/${runs[0].id}`);
    if (performance.now() > end)
      throw new SmokeError(
        `no run ${count} within ${timeoutMs / 1000} s: the status is ${status}${error === null ? '' : `, ${error}`}. Do worker and schedule run?`,
      );
    await sleep(pollMs, undefined, { signal: interrupted.signal }).catch(() => interrupted.signal.throwIfAborted());
  }
}

/** @param {any} run @param {string} name @param {ReturnType<typeof createClient>} call @param {string} mirror */
async function checkRun(run, name, call, mirror) {
  if (run.outcome !== 'success') {
    const { last_error: error } = await call('GET', mirror);
    throw new SmokeError(`${name}: ${run.outcome}: ${run.error?.message ?? error ?? ''}\n${run.error?.hint ?? ''}`);
  }
  const counts = Object.entries(run.counts).flatMap(([result, count]) => (count === 0 ? [] : [`${count} ${result}`]));
  say(`ok  ${name}: ${counts.join(', ') || 'nothing to do'}, ${run.bytes} bytes in ${run.duration_ms} ms`);
}

try {
  await smoke(await readOptions(process.argv.slice(2)));
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  const status = isUsage ? 2 : error instanceof SmokeError ? error.status : 1;
  const message = redacted(error instanceof Error ? error.message : String(error));
  process.stderr.write(`FAILED  ${message}\n${status === 2 ? `\n${usage}` : ''}`);
  process.exitCode = status;
}
