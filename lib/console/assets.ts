/** Scripts, styles and the icon, served from the function under names that hold their content's hash. */
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { assetSources } from './asset-sources.ts';

type AssetName = keyof typeof assetSources;

interface Asset {
  readonly contentType: string;
  readonly etag: string;
  readonly text: string;
}

const contentTypes: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** `console.css` → `console.1a2b3c4d5e.css` */
const hashedNames = new Map<string, string>();
const assets = new Map<string, Asset>();
for (const [name, text] of Object.entries(assetSources)) {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const dot = name.lastIndexOf('.');
  const hashed = `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
  hashedNames.set(name, hashed);
  assets.set(hashed, { contentType: contentTypes[name.slice(dot + 1)] ?? 'text/plain', etag: `"${hash}"`, text });
}

/** Compressed when first asked for, then kept: there are four of them. */
const compressed = new Map<string, Uint8Array<ArrayBuffer>>();

/** For links in pages. */
export function assetPath(name: AssetName): string {
  return `/assets/${hashedNames.get(name)}`;
}

/** 404 for a name that is none of ours, an old hash included: a page never links to one. */
export function answerAsset(name: string, request: Request): Response {
  const asset = assets.get(name);
  if (asset === undefined) return new Response('404 Not Found', { status: 404, headers: { 'cache-control': 'no-store' } });
  const headers = {
    'content-type': asset.contentType,
    'cache-control': 'public, max-age=31536000, immutable',
    etag: asset.etag,
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
  };
  if (request.headers.get('if-none-match')?.includes(asset.etag) === true) return new Response(null, { status: 304, headers });
  const encoding = /\bbr\b/.test(request.headers.get('accept-encoding') ?? '')
    ? 'br'
    : /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
      ? 'gzip'
      : undefined;
  if (encoding === undefined) return new Response(asset.text, { headers });
  return new Response(compressedAs(encoding, name, asset.text), { headers: { ...headers, 'content-encoding': encoding } });
}

function compressedAs(encoding: 'br' | 'gzip', name: string, text: string): Uint8Array<ArrayBuffer> {
  const key = `${encoding} ${name}`;
  const known = compressed.get(key);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(
    encoding === 'br' ? brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }) : gzipSync(text, { level: 9 }),
  );
  compressed.set(key, bytes);
  return bytes;
}
