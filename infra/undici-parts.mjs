/** The parts of undici that gitferry uses. The package's main module also loads fetch, WebSocket, caches and mocks: a third of the start of a command. */
import request from 'undici/lib/api/api-request.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

// As the main module does.
Dispatcher.prototype.request = request;

export { default as buildConnector } from 'undici/lib/core/connect.js';
export { default as Agent } from 'undici/lib/dispatcher/agent.js';
