import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsTime, signatureOf, signedHeaders } from '../../../lib/credentials/aws/sigv4.ts';
import { sdkSigner } from '../../support/code-commit-server.ts';

const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** Of AWS's published test suite for Signature Version 4. */
const suite = { region: 'us-east-1', service: 'service', time: '20150830T123600Z' };
const suiteSecret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

describe('a signature', () => {
  it.each([
    ['get-vanilla', 'GET', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ])("is that of AWS's test suite for %s", (_name, method, signature) => {
    const canonical = `${method}\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n${emptyHash}`;
    expect(signatureOf(canonical, suite, suiteSecret)).toBe(signature);
  });

  it("of a request is the one that AWS's SDK makes", async () => {
    const credential = fc.record({
      accessKeyId: fc.stringMatching(/^AKIA[A-Z0-9]{16}$/),
      secretAccessKey: fc.stringMatching(/^[\w+/]{20,60}$/),
      sessionToken: fc.option(fc.stringMatching(/^[\w+/=]{20,200}$/), { nil: undefined }),
    });
    const instant = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2040-01-01') });
    await fc.assert(
      fc.asyncProperty(credential, fc.string(), instant, async (own, body, now) => {
        const url = new URL('https://sts.eu-west-1.amazonaws.com/');
        const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Sign' };
        const ours = signedHeaders({ url, headers, body }, { region: 'eu-west-1', service: 'sts', time: awsTime(now) }, own);
        const theirs = await sdkSigner(own, 'sts').sign(
          {
            method: 'POST',
            protocol: 'https:',
            hostname: url.host,
            path: '/',
            query: {},
            headers: { ...headers, host: url.host },
            body,
          } as never,
          { signingDate: new Date(now), unsignableHeaders: new Set(['x-amz-content-sha256']) },
        );
        // The SDK signs a header with the hash of the body as well, unless told otherwise.
        expect(ours['authorization']).toBe(theirs.headers['authorization']);
      }),
      { numRuns: 50 },
    );
  });
});
