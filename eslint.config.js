import tseslint from 'typescript-eslint';

const MEDIA = 'Only src/http/media.ts writes media: a check before every write, and a count of it.';
/** Every other way in which bytes could find to a socket. */
const WRITERS = [
  'CallExpression[callee.property.name=/^(pipe|pipeTo|pipeThrough|sendFile|sendfile|download|pipeline)$/]',
  "CallExpression[callee.name='pipeline']",
  'CallExpression[callee.property.name=/^(write|writev)$/][callee.object.name=/^(res|response|socket)$/]',
  'CallExpression[callee.property.name=/^(write|writev)$/][callee.object.property.name=/^(res|response|socket)$/]',
].map((selector) => ({ selector, message: MEDIA }));

/** Typed lint over everything we write; generated files are the contract bundle's business. */
export default tseslint.config(
  { ignores: ['node_modules/', '.benren/', 'contracts/generated/', 'coverage/', 'dist/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true },
    rules: {
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true, IIFEs: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: false, allowAny: false },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A verb is async by its contract: without `await` it still turns a throw into a rejection, as its callers expect.
      '@typescript-eslint/require-await': 'off',
      // Express tells an error handler by its four parameters, so one may go unused.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config.ts reads the environment, which main.ts hands to it.' },
        { object: 'Date', property: 'now', message: 'Time is injected (kernel Clock).' },
        { object: 'Math', property: 'random', message: 'Randomness is injected (kernel Random).' },
      ],
    },
  },
  {
    files: ['src/**'],
    // events.ts writes text of its own making, a stop's progress, and has no bytes in its hands.
    ignores: ['src/http/media.ts', 'src/http/events.ts', 'src/platform/stripe/sandbox/**'],
    rules: {
      'no-restricted-syntax': ['error', ...WRITERS],
      'no-restricted-imports': ['error', { name: 'node:http2', message: 'HTTP/2 would put many streams on one socket: no reset of one of them.' }],
    },
  },
  {
    // A test file is one long describe; its cases are still bounded by readability, not by a number.
    files: ['test/**', '**/*.test.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-properties': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['src/config.ts', 'src/main.ts', 'src/platform/clock.ts', 'tool/**', 'ormconfig.ts', 'vitest.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  { files: ['**/*.mjs', '**/*.js'], ...tseslint.configs.disableTypeChecked },
);
