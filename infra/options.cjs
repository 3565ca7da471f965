/** Resources that are there only where a parameter asks for them: a topic for alarms, a domain of one's own, private networking, permissions for credentials of machines, executions kept for webhooks. */

/** For `${file(infra/options.cjs):resources}`. */
async function resources({ resolveVariable }) {
  const settings = await resolveVariable('self:custom.settings');
  const stack = await resolveVariable('self:custom.stack');
  const parts = [
    alarmTopic(settings, stack),
    domain(settings),
    network(settings),
    reserved(settings),
    machineCredentials(settings),
    singleSignOn(settings),
  ];
  const merged = (key) => Object.assign({}, ...parts.map((part) => part[key] ?? {}));
  return { Resources: merged('Resources'), Outputs: merged('Outputs'), extensions: merged('extensions') };
}

function alarmTopic({ alarms }, stack) {
  if (!alarms.includes('@')) return {};
  // Not encrypted: CloudWatch cannot publish with SNS's own key, and alarms tell no secrets.
  return {
    Resources: {
      AlarmTopic: {
        Type: 'AWS::SNS::Topic',
        Properties: { TopicName: `${stack}-alarms`, Subscription: [{ Protocol: 'email', Endpoint: alarms }] },
      },
    },
  };
}

function domain({ customDomain, certificateArn }) {
  if (customDomain === '') return {};
  return {
    Resources: {
      Domain: {
        Type: 'AWS::ApiGatewayV2::DomainName',
        Properties: {
          DomainName: customDomain,
          DomainNameConfigurations: [{ CertificateArn: certificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' }],
        },
      },
      DomainMapping: {
        Type: 'AWS::ApiGatewayV2::ApiMapping',
        Properties: { ApiId: { Ref: 'HttpApi' }, DomainName: { Ref: 'Domain' }, Stage: { Ref: 'HttpApiStage' } },
      },
    },
    Outputs: {
      DomainTarget: {
        Description: 'Point the domain here: an alias record, or a CNAME',
        Value: { 'Fn::GetAtt': ['Domain', 'RegionalDomainName'] },
      },
    },
  };
}

function reserved({ webhookReserved }) {
  if (webhookReserved === 0) return {};
  return { extensions: { WebhookLambdaFunction: { Properties: { ReservedConcurrentExecutions: webhookReserved } } } };
}

/** The functions that talk to Git hosts, and to receivers of notices. */
const connecting = ['Worker', 'Api', 'Notify'];

function network({ vpcSubnets, vpcSecurityGroups }) {
  if (vpcSubnets.length === 0) return {};
  const VpcConfig = { SubnetIds: vpcSubnets, SecurityGroupIds: vpcSecurityGroups };
  return {
    Resources: {
      NetworkPolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'network',
          Roles: connecting.map((name) => ({ Ref: `${name}Role` })),
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Sid: 'NetworkInterfaces',
                Effect: 'Allow',
                Action: [
                  'ec2:CreateNetworkInterface',
                  'ec2:DescribeNetworkInterfaces',
                  'ec2:DescribeSubnets',
                  'ec2:DeleteNetworkInterface',
                  'ec2:AssignPrivateIpAddresses',
                  'ec2:UnassignPrivateIpAddresses',
                ],
                // Lambda makes the interfaces by itself, under ids that nobody knows before.
                Resource: '*',
              },
            ],
          },
        },
      },
    },
    // Lambda checks the permission when the function is made.
    extensions: Object.fromEntries(
      connecting.map((name) => [`${name}LambdaFunction`, { Properties: { VpcConfig }, DependsOn: ['NetworkPolicy'] }]),
    ),
  };
}

/** What signs in without a stored secret (auth_method aws_iam), or with a key in KMS (github_app): the worker for runs, the api for plans and previews. */
function machineCredentials({ codeCommitRepositories, assumedRoles, signingKeys }) {
  const repository = (name) => ({ 'Fn::Sub': `arn:$\{AWS::Partition}:codecommit:*:$\{AWS::AccountId}:${name}` });
  const statements = [
    ...(codeCommitRepositories.length === 0
      ? []
      : [{ Effect: 'Allow', Action: ['codecommit:GitPull', 'codecommit:GitPush'], Resource: codeCommitRepositories.map(repository) }]),
    ...(signingKeys.length === 0 ? [] : [{ Effect: 'Allow', Action: ['kms:Sign'], Resource: signingKeys }]),
    ...(assumedRoles.length === 0 ? [] : [{ Effect: 'Allow', Action: ['sts:AssumeRole'], Resource: assumedRoles }]),
  ];
  if (statements.length === 0) return {};
  return {
    Resources: {
      MachineCredentialsPolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'machine-credentials',
          Roles: ['Worker', 'Api'].map((name) => ({ Ref: `${name}Role` })),
          PolicyDocument: { Version: '2012-10-17', Statement: statements },
        },
      },
    },
  };
}

/** Only the api signs people in. */
function singleSignOn({ ssoSecret }) {
  if (ssoSecret === '') return {};
  const statement = { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: ssoSecret };
  return {
    Resources: {
      SingleSignOnPolicy: {
        Type: 'AWS::IAM::Policy',
        Properties: {
          PolicyName: 'single-sign-on',
          Roles: [{ Ref: 'ApiRole' }],
          PolicyDocument: { Version: '2012-10-17', Statement: [statement] },
        },
      },
    },
  };
}

module.exports = { resources };
