import { describe, expect, it } from 'vitest';
import { answerAsset, assetPath } from '../../lib/console/assets.ts';

const name = assetPath('console.css').slice('/assets/'.length);

function ask(file: string, headers: Record<string, string> = {}): Response {
  return answerAsset(file, new Request('https://x.example/', { headers }));
}

describe('assets', () => {
  it('have their content in their name and may be kept for a year', async () => {
    expect(name).toMatch(/^console\.[0-9a-f]{16}\.css$/);
    const { status, headers } = ask(name);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('content-type')).toMatch(/^text\/css/);
  });

  it.each(['br', 'gzip', undefined])('come as the browser takes them: %s', async (encoding) => {
    const { headers } = ask(name, encoding === undefined ? {} : { 'accept-encoding': `${encoding}, x` });
    expect(headers.get('content-encoding')).toBe(encoding ?? null);
    expect(headers.get('vary')).toBe('accept-encoding');
  });

  it('are not sent again to who has them', () => {
    const etag = ask(name).headers.get('etag') ?? '';
    expect(ask(name, { 'if-none-match': `W/${etag}` }).status).toBe(304);
    expect(ask(name, { 'if-none-match': '"other"' }).status).toBe(200);
  });

  it.each(['console.css', 'console.0000000000000000.css', '../package.json', '__proto__', ''])('do not include %s', (file) => {
    expect(ask(file).status).toBe(404);
  });
});
