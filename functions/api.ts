/** Lambda entry of the REST API: API Gateway HTTP API, payload 2.0. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { handle, type LambdaContext } from 'hono/aws-lambda';
import { createApi } from '../lib/api/create-api.ts';
import { requestEvent } from '../lib/api/lambda-event.ts';
import { wireApi } from './service-wiring.ts';

export const app = createApi(wireApi());

const answer = handle(app);

export const handler = (event: APIGatewayProxyEventV2, context?: LambdaContext) => answer(requestEvent(event) as never, context);
