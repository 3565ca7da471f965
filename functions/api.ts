/** Lambda entry of the REST API and the console: API Gateway HTTP API, payload 2.0. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { handle, type LambdaContext } from 'hono/aws-lambda';
import { requestEvent } from '../lib/api/http/lambda-event.ts';
import { createSite } from '../lib/console/create-site.ts';
import { wireApi } from './service-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';

const app = createSite(wireApi(createService(serviceSettings({ queue: true, publicUrl: true }))));

const answer = handle(app);

export const handler = (event: APIGatewayProxyEventV2, context?: LambdaContext) => answer(requestEvent(event) as never, context);
