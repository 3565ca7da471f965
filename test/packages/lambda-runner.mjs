/** What Lambda does around a handler, as far as ours notice: imports index.mjs once, then one event after the other, each with a context. Run by the deployed Node. */
const { handler } = await import(process.argv[2]);

process.on('message', async ({ event, timeoutMs }) => {
  const end = performance.now() + timeoutMs;
  const context = {
    awsRequestId: 'test',
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    getRemainingTimeInMillis: () => end - performance.now(),
  };
  try {
    process.send({ result: await handler(event, context) });
  } catch (error) {
    process.send({ error: { code: error?.code, message: String(error?.message) } });
  }
});
process.send({ ready: typeof handler, node: process.versions.node, memory: process.memoryUsage().rss });
