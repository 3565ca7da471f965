/** The architecture as rules (ARCHITECTURE.md, "Layers"): what may import what. */
const layer = (name, mayImport) => ({
  name: `${name.replaceAll('/', '-')}-layer`,
  severity: 'error',
  comment: `${name} may import only: ${mayImport.join(', ')}`,
  from: { path: `^${name}/` },
  to: { path: '^(lib|functions|infra|test)/', pathNot: [`^${name}/`, ...mayImport.map((other) => `^${other}/`)] },
});
const singleImporter = (module, file) => ({
  name: `single-importer-of-${module.replaceAll(/[^a-z0-9]/g, '-')}`,
  severity: 'error',
  from: { path: '^(lib|functions)/', pathNot: `^${file}$` },
  to: { path: `(^|node_modules/)${module}(/|$)` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^(lib|functions)/', pathNot: '\\.d\\.ts$|^lib/console/assets/' }, to: {} },
    // aws-lambda is a name of types only (@types/aws-lambda).
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^aws-lambda$' } },
    { name: 'no-tests-in-production', severity: 'error', from: { path: '^(lib|functions)/' }, to: { path: '^(test|infra)/' } },
    layer('lib/core', []),
    layer('lib/net', ['lib/core']),
    layer('lib/credentials', ['lib/core', 'lib/net']),
    layer('lib/git', ['lib/core', 'lib/net', 'lib/credentials']),
    layer('lib/lfs', ['lib/core', 'lib/credentials', 'lib/net', 'lib/git']),
    layer('lib/mirror', ['lib/core', 'lib/git', 'lib/lfs']),
    layer('lib/cli', ['lib/core', 'lib/net', 'lib/credentials', 'lib/git', 'lib/lfs', 'lib/mirror']),
    layer('lib/model', ['lib/core', 'lib/credentials']),
    layer('lib/jobs', ['lib/core', 'lib/credentials', 'lib/net', 'lib/git', 'lib/lfs', 'lib/mirror', 'lib/model']),
    layer('lib/webhook', ['lib/core', 'lib/git', 'lib/mirror', 'lib/model', 'lib/jobs']),
    layer('lib/notify', ['lib/core', 'lib/credentials', 'lib/net', 'lib/model']),
    layer('lib/sso', ['lib/core', 'lib/net', 'lib/model']),
    layer('lib/api', ['lib/core', 'lib/credentials', 'lib/net', 'lib/git', 'lib/mirror', 'lib/model', 'lib/jobs', 'lib/notify', 'lib/sso']),
    layer('lib/console', ['lib/core', 'lib/credentials', 'lib/net', 'lib/git', 'lib/mirror', 'lib/model', 'lib/jobs', 'lib/notify', 'lib/sso', 'lib/api']),
    layer('lib/aws', ['lib/core', 'lib/credentials', 'lib/model', 'lib/jobs']),
    layer('lib/local', ['lib/core']),
    // lib/git by itself: wire knows no transport, transports know no client.
    { name: 'git-wire-layer', severity: 'error', from: { path: '^lib/git/wire/' }, to: { path: '^lib/git/(pack|transport|client)/' } },
    { name: 'git-pack-layer', severity: 'error', from: { path: '^lib/git/pack/' }, to: { path: '^lib/git/(transport|client)/' } },
    { name: 'git-transport-layer', severity: 'error', from: { path: '^lib/git/transport/' }, to: { path: '^lib/git/client/' } },
    { name: 'git-transport-http-or-ssh', severity: 'error', from: { path: '^lib/git/transport/(http|ssh)/' }, to: { path: '^lib/git/transport/(http|ssh)/', pathNot: '^lib/git/transport/$1/' } },
    // lib/api by itself: what calls give and get knows no use cases, use cases know no routes, and HTTP knows neither.
    { name: 'api-input-output-layer', severity: 'error', from: { path: '^lib/api/(input|output)/' }, to: { path: '^lib/api/(use-cases|routes)/' } },
    { name: 'api-use-cases-layer', severity: 'error', from: { path: '^lib/api/use-cases/' }, to: { path: '^lib/api/routes/' } },
    { name: 'api-http-layer', severity: 'error', from: { path: '^lib/api/http/' }, to: { path: '^lib/api/(input|output|use-cases|routes)/' } },
    // lib/aws by itself: the table knows no entities.
    { name: 'aws-table-layer', severity: 'error', from: { path: '^lib/aws/table/' }, to: { path: '^lib/aws/(mirrors|projects|runs|credentials|instance)/' } },
    // lib/jobs by itself: hosts know no runs, requests know neither runs nor the tick.
    { name: 'jobs-hosts-layer', severity: 'error', from: { path: '^lib/jobs/hosts/' }, to: { path: '^lib/jobs/(runs|tick)/' } },
    { name: 'jobs-requests-layer', severity: 'error', from: { path: '^lib/jobs/requests/' }, to: { path: '^lib/jobs/(runs|tick)/' } },
    // The product runs no programs (gitferry needs no git); the demonstration's servers do.
    {
      name: 'no-programs',
      severity: 'error',
      from: { path: '^(lib|functions)/', pathNot: '^(lib/local/|functions/demo\\.ts$)' },
      to: { path: '^(node:)?child_process$' },
    },
    singleImporter('@aws-sdk', 'lib/aws/.*'),
    singleImporter('undici', 'lib/net/http-client.ts'),
    singleImporter('isomorphic-git', 'lib/git/pack/object-places.ts'),
    singleImporter('ssh2', 'lib/git/transport/ssh/ssh-(client|connection|key-pair|ahead)\\.ts'),
    singleImporter('nodemailer', 'lib/notify/send/mail.ts'),
    singleImporter('openid-client', 'lib/sso/openid.ts'),
    singleImporter('re2', 'lib/mirror/rules.ts'),
    singleImporter('ipaddr.js', 'lib/net/address-guard.ts'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'], extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'] },
  },
};
