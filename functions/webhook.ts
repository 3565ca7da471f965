/** Lambda: takes webhooks from API Gateway (HTTP API, payload 2.0). */
import { handle } from 'hono/aws-lambda';
import { createWebhookApp } from '../lib/webhook/receive.ts';
import { wireWebhook } from './service-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';

const app = createWebhookApp(wireWebhook(createService(serviceSettings({ queue: true, publicUrl: false }))));

export const handler = handle(app);
