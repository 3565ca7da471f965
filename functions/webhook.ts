/** Lambda: takes webhooks from API Gateway (HTTP API, payload 2.0). */
import { handle } from 'hono/aws-lambda';
import { createWebhookApp } from '../lib/webhook/receive.ts';
import { wireWebhook } from './service-wiring.ts';

export const app = createWebhookApp(wireWebhook());

export const handler = handle(app);
