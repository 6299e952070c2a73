import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import express, { type Express } from 'express';

import type { Bundle } from './operations.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benren · API reference</title>
<link rel="stylesheet" href="/reference/assets/swagger-ui.css">
<style>body { margin: 0 } .swagger-ui .topbar { display: none }</style>
</head>
<body>
<div id="reference"></div>
<script src="/reference/assets/swagger-ui-bundle.js"></script>
<script src="/reference/start.js"></script>
</body>
</html>
`;

const START = `window.addEventListener('load', () => {
  window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#reference', docExpansion: 'list', deepLinking: true });
});
`;

/** The API reference: the bundle itself, and Swagger UI from its package; nothing is fetched from elsewhere. */
export function mountReference(app: Express, bundle: Bundle): void {
  const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
  const document = JSON.stringify(bundle.document);
  app.get('/', (_request, response) => response.redirect(302, '/reference'));
  app.get('/reference', (_request, response) => {
    response.set({ 'Content-Security-Policy': policy }).type('html').send(PAGE);
  });
  app.get('/reference/start.js', (_request, response) => {
    response.type('js').send(START);
  });
  app.get('/openapi.json', (_request, response) => {
    response.type('json').send(document);
  });
  app.use('/reference/assets', express.static(assets, { index: false, fallthrough: true }));
}
