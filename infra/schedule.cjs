/** What invokes the schedule function: the tick of every minute, in as many parts as the deployment wants, events of CodeCommit, and the alarm of webhooks. */

/** lib/jobs/mirror-jobs.ts; test/infra/template.test.ts holds the two equal. */
const dueShards = 8;
const target = { 'Fn::GetAtt': ['ScheduleLambdaFunction', 'Arn'] };

/** For `${file(infra/schedule.cjs):resources}`. */
async function resources({ resolveVariable }) {
  const { tickFanOut, scheduleEnabled } = await resolveVariable('self:custom.settings');
  const parts = Array.from({ length: tickFanOut }, (_, part) => ticks(part, tickFanOut, scheduleEnabled));
  return { Resources: Object.assign({}, ...parts, codeCommit, webhooksRefused) };
}

/** One rule each: a rule takes five targets at most. */
function ticks(part, of, isEnabled) {
  const shards = Array.from({ length: dueShards }, (_, shard) => shard).filter((shard) => shard % of === part);
  const name = `TickRule${part}`;
  return {
    [name]: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Description: `The tick of every minute, part ${part + 1} of ${of}`,
        ScheduleExpression: 'rate(1 minute)',
        State: isEnabled ? 'ENABLED' : 'DISABLED',
        Targets: [
          {
            Id: 'schedule',
            Arn: target,
            InputTransformer: {
              InputPathsMap: { type: '$.detail-type', time: '$.time' },
              InputTemplate: `{"detail-type": <type>, "time": <time>, "shards": ${JSON.stringify(shards)}}`,
            },
            // A tick that could not be delivered is the next one's business.
            RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
          },
        ],
      },
    },
    [`${name}Permission`]: permission(target, name),
  };
}

function permission(functionName, rule) {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      FunctionName: functionName,
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: { 'Fn::GetAtt': [rule, 'Arn'] },
    },
  };
}

/** What was turned away is made up for: GitHub and Gogs never send it again. By the same alias, for the same reason. */
const webhooksRefused = {
  WebhooksRefusedRule: {
    Type: 'AWS::Events::Rule',
    Properties: {
      Description: 'Webhooks were turned away, or could not be recorded',
      State: 'ENABLED',
      EventPattern: {
        source: ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        resources: [{ 'Fn::GetAtt': ['WebhookRefusedAlarm', 'Arn'] }],
        // When it begins, and when it is over.
        detail: { state: { value: ['ALARM', 'OK'] }, previousState: { value: ['ALARM', 'OK'] } },
      },
      Targets: [{ Id: 'schedule', Arn: { Ref: 'ScheduleEventsAlias' } }],
    },
  },
  WebhooksRefusedRulePermission: permission({ Ref: 'ScheduleEventsAlias' }, 'WebhooksRefusedRule'),
};

/** By an alias of its own, because such an event is worth trying again when the table cannot be reached, and a tick is not. */
const codeCommit = {
  ScheduleEventsAlias: {
    Type: 'AWS::Lambda::Alias',
    Properties: { FunctionName: { Ref: 'ScheduleLambdaFunction' }, FunctionVersion: '$LATEST', Name: 'events' },
  },
  ScheduleEventsInvokeConfig: {
    Type: 'AWS::Lambda::EventInvokeConfig',
    DependsOn: 'ScheduleEventsAlias',
    Properties: {
      FunctionName: { Ref: 'ScheduleLambdaFunction' },
      Qualifier: 'events',
      MaximumRetryAttempts: 2,
      // Reconciliation comes after 6 hours anyway.
      MaximumEventAgeInSeconds: 21_600,
    },
  },
  CodeCommitRule: {
    Type: 'AWS::Events::Rule',
    Properties: {
      Description: 'Pushes to repositories of CodeCommit in this account and region',
      State: 'ENABLED',
      EventPattern: {
        source: ['aws.codecommit'],
        'detail-type': ['CodeCommit Repository State Change'],
        detail: { event: ['referenceCreated', 'referenceUpdated', 'referenceDeleted'] },
      },
      Targets: [{ Id: 'schedule', Arn: { Ref: 'ScheduleEventsAlias' } }],
    },
  },
  CodeCommitRulePermission: permission({ Ref: 'ScheduleEventsAlias' }, 'CodeCommitRule'),
};

module.exports = { resources, dueShards };
