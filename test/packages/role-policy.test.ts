import { describe, expect, it } from 'vitest';
import type { Template } from '../infra/compile-template.ts';
import { describeCall } from './call-recorder.ts';
import { resolveReferences } from './references.ts';
import { isAllowed, type Permission, permissionsOf, unusedActions } from './role-policy.ts';

const table = 'arn:aws:dynamodb:eu-west-1:123456789012:table/t';
const permissions: Permission[] = [
  { actions: ['dynamodb:GetItem', 'dynamodb:Query'], resources: [table] },
  { actions: ['dynamodb:Query'], resources: [`${table}/index/due`] },
  { actions: ['secretsmanager:Get*'], resources: ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:gitferry/*'] },
];

describe('the check of roles', () => {
  it.each<[string, string, object, boolean]>([
    ['an action on its resource', 'DynamoDB_20120810.GetItem', { TableName: 't' }, true],
    ['another action', 'DynamoDB_20120810.PutItem', { TableName: 't' }, false],
    ['another table', 'DynamoDB_20120810.GetItem', { TableName: 't2' }, false],
    ['a listed index', 'DynamoDB_20120810.Query', { TableName: 't', IndexName: 'due' }, true],
    ['an index that is not listed', 'DynamoDB_20120810.Query', { TableName: 't', IndexName: 'list' }, false],
    ['an index by an action that is for the table', 'DynamoDB_20120810.GetItem', { TableName: 't', IndexName: 'due' }, false],
    ['many tables of which one is not allowed', 'DynamoDB_20120810.BatchGetItem', { RequestItems: { t: {}, t2: {} } }, false],
    ['a secret below the prefix', 'secretsmanager.GetSecretValue', { SecretId: 'gitferry/mirror/1' }, true],
    ['a secret beside the prefix', 'secretsmanager.GetSecretValue', { SecretId: 'gitferry2/mirror/1' }, false],
    ['a secret that is made', 'secretsmanager.CreateSecret', { Name: 'gitferry/x' }, false],
    ['a queue', 'AmazonSQS.SendMessage', { QueueUrl: 'http://x/1/q' }, false],
    ['a service that nobody thought of', 'GET /latest/meta-data', {}, false],
  ])('sees %s', (_, target, input, expected) => {
    expect(isAllowed(describeCall(target, JSON.stringify(input)), permissions)).toBe(expected);
  });

  it('names what nobody used, resource by resource', () => {
    const calls = [describeCall('DynamoDB_20120810.Query', '{"TableName":"t"}')];
    expect(unusedActions(calls, permissions)).toEqual(['dynamodb:GetItem', 'dynamodb:Query', 'secretsmanager:Get*']);
  });

  it('refuses what it does not understand', () => {
    const role = (statement: object): Template => ({
      Resources: { R: { Type: 'AWS::IAM::Role', Properties: { Policies: [{ PolicyDocument: { Statement: [statement] } }] } } },
      Outputs: {},
    });
    const allow = { Effect: 'Allow', Action: 'a:b', Resource: '*' };
    const none = { refs: {}, attributes: {} };
    expect(permissionsOf('R', role(allow), none)).toEqual([{ actions: ['a:b'], resources: ['*'] }]);
    for (const odd of [
      { Effect: 'Deny' },
      { Condition: {} },
      { NotAction: 'x' },
      { Resource: { 'Fn::Join': ['', []] } },
      { Resource: { Ref: 'X' } },
    ])
      expect(() => permissionsOf('R', role({ ...allow, ...odd }), none)).toThrow();
  });

  it('fills references in', () => {
    const references = { refs: { A: 'a', 'AWS::Region': 'r' }, attributes: { 'B.Arn': 'arn:b' } };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own
    const value = { x: [{ Ref: 'A' }, { 'Fn::GetAtt': ['B', 'Arn'] }], y: { 'Fn::Sub': '${B.Arn}/${AWS::Region}/${A}' } };
    expect(resolveReferences(value, references)).toEqual({ x: ['a', 'arn:b'], y: 'arn:b/r/a' });
  });
});
