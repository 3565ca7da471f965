/** The dashboard: what comes in, what runs, how long it takes, and what is wrong. */

/** The one name that is not known before. In two parts: osls has variables of the same form. */
const httpApiId = '$' + '{HttpApi}';
const functions = {
  webhook: 'Webhook',
  api: 'Api',
  worker: 'Worker',
  schedule: 'Schedule',
  notify: 'Notify',
  'dead-letter': 'DeadDashletter',
};

/** For `${file(infra/dashboard.cjs):resources}`. */
async function resources({ resolveVariable }) {
  const stack = await resolveVariable('self:custom.stack');
  const { region } = await resolveVariable('self:custom.settings');
  const widgets = widgetsOf(stack).map(([title, stat, metrics], index) => ({
    type: 'metric',
    x: (index % 3) * 8,
    y: Math.floor(index / 3) * 6,
    width: 8,
    height: 6,
    properties: { title, stat, metrics, region, period: 300, view: 'timeSeries' },
  }));
  const body = JSON.stringify({ widgets });
  return {
    Resources: {
      Dashboard: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: { DashboardName: stack, DashboardBody: { 'Fn::Sub': body } },
      },
    },
  };
}

/** Title, statistic, metrics. */
function widgetsOf(stack) {
  const lambda = (metric, options = {}) =>
    Object.keys(functions).map((name) => ['AWS/Lambda', metric, 'FunctionName', `${stack}-${name}`, { label: name, ...options }]);
  const queue = (metric, name, label) => ['AWS/SQS', metric, 'QueueName', name, { label }];
  const http = (metric) => ['AWS/ApiGateway', metric, 'ApiId', httpApiId];
  return [
    ['Runs by outcome', 'Sum', ['success', 'partial', 'failed'].map((outcome) => [stack, 'Runs', 'Outcome', outcome, { label: outcome }])],
    [
      'From request to done, ms',
      'p50',
      [
        [stack, 'TimeSinceRequest', { stat: 'p50', label: 'median' }],
        [stack, 'TimeSinceRequest', { stat: 'p99', label: 'p99' }],
      ],
    ],
    ['Bytes relayed', 'Sum', [[stack, 'BytesRelayed']]],
    ['Mirrors that began to fail', 'Sum', [[stack, 'MirrorsFailing']]],
    [
      'Mirrors due at a tick',
      'Maximum',
      [
        [stack, 'MirrorsDue'],
        [stack, 'TicksNotComplete', { stat: 'Sum' }],
      ],
    ],
    ['Age of the oldest wake-up, s', 'Maximum', [queue('ApproximateAgeOfOldestMessage', stack, 'queue')]],
    [
      'Messages',
      'Maximum',
      [
        queue('ApproximateNumberOfMessagesVisible', stack, 'waiting'),
        queue('ApproximateNumberOfMessagesNotVisible', stack, 'in flight'),
        queue('ApproximateNumberOfMessagesVisible', `${stack}-dead-letter`, 'dead'),
      ],
    ],
    ['HTTP requests', 'Sum', [http('Count'), http('4xx'), http('5xx')]],
    ['Invocations', 'Sum', lambda('Invocations')],
    [
      'Errors and throttles',
      'Sum',
      [...lambda('Errors'), ['AWS/Lambda', 'Throttles', 'FunctionName', `${stack}-worker`, { label: 'worker throttled' }]],
    ],
    ['Duration p99, ms', 'p99', lambda('Duration')],
    ['Workers at once', 'Maximum', [['AWS/Lambda', 'ConcurrentExecutions', 'FunctionName', `${stack}-worker`]]],
  ];
}

module.exports = { resources };
