import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint, Linter } from 'eslint';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

function files(folder: string, extension: RegExp): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) return name === 'node_modules' ? [] : files(path, extension);
    return extension.test(name) ? [path] : [];
  });
}

interface Import {
  from: string;
  /** Path inside the repository, or the package's name. */
  to: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const to = specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier;
    found.push({ from: file, to, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = ts.isImportDeclaration(node) ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword : node.isTypeOnly;
      add(node.moduleSpecifier.text, typeOnly);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) add(argument.text, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const GROUND = ['identity', 'ledger', 'provenance', 'transparency'];

/** Which rooms a room may enter, by their door. Ground-floor rooms do not enter each other. */
const LOWER: Record<string, readonly string[]> = {
  identity: [], ledger: [], provenance: [], transparency: [],
  ownership: ['identity'],
  clones: ['identity', 'ownership'],
  consent: ['identity', 'ownership', 'clones'],
  billing: ['identity', 'ownership', 'clones', 'consent'],
  royalties: ['identity', 'ownership', 'clones', 'consent', 'billing'],
  // What outsiders get about consent: reads it and what it stands on; nobody needs it below.
  exports: ['identity', 'ownership', 'clones', 'consent'],
  gateway: ['identity', 'ownership', 'clones', 'consent', 'billing', 'royalties'],
  stop: ['identity', 'ownership', 'clones', 'consent', 'billing', 'royalties'],
  notices: ['identity', 'ownership', 'clones', 'consent', 'billing', 'royalties', 'gateway', 'stop'],
};
for (const room of ['ownership', 'clones', 'consent', 'billing', 'royalties', 'exports', 'gateway', 'stop', 'notices']) {
  LOWER[room] = [...(LOWER[room] ?? []), 'ledger', 'provenance', 'transparency'];
}
const ROOMS = Object.keys(LOWER);

/** `src/<place>` of a path, or the folder at the top of the repository. */
function placeOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'src' ? (parts[1] ?? '').replace(/\.ts$/, '') : (parts[0] ?? '');
}

const sources = files('src', /\.ts$/);
const all = sources.flatMap(importsOf);
const internal = all.filter((entry) => /^(src|contracts|inference|test|migrations)\//.test(entry.to));

function offending(entries: Import[], allowed: (entry: Import) => boolean): string[] {
  return entries.filter((entry) => !allowed(entry)).map((entry) => `${entry.from} → ${entry.to}`);
}

describe('who may import whom', () => {
  it('kernel imports nothing of ours', () => {
    expect(offending(internal.filter((entry) => placeOf(entry.from) === 'kernel'), (entry) => placeOf(entry.to) === 'kernel')).toEqual([]);
  });

  it('platform imports kernel, and only platform/inference.ts starts the workers', () => {
    const mine = internal.filter((entry) => placeOf(entry.from) === 'platform');
    expect(offending(mine, (entry) => {
      if (['kernel', 'platform'].includes(placeOf(entry.to))) return true;
      if (entry.from === 'src/platform/inference.ts') return entry.to === 'inference/protocol.ts';
      return false;
    })).toEqual([]);
  });

  it('nobody else touches inference', () => {
    expect(offending(internal.filter((entry) => entry.to.startsWith('inference/')), (entry) => entry.from === 'src/platform/inference.ts')).toEqual([]);
  });

  it('rooms enter lower rooms, only by the door', () => {
    const mine = internal.filter((entry) => ROOMS.includes(placeOf(entry.from)) && ROOMS.includes(placeOf(entry.to)) && placeOf(entry.from) !== placeOf(entry.to));
    expect(offending(mine, (entry) => {
      const lower = LOWER[placeOf(entry.from)] ?? [];
      const byDoor = entry.to === `src/${placeOf(entry.to)}/index.ts`;
      const modelToModel = entry.from.endsWith('/model.ts') && entry.to.endsWith('/model.ts');
      return lower.includes(placeOf(entry.to)) && (byDoor || modelToModel);
    })).toEqual([]);
  });

  it('rooms stay out of http, web, compose and main', () => {
    const mine = internal.filter((entry) => ROOMS.includes(placeOf(entry.from)));
    expect(offending(mine, (entry) => [...ROOMS, 'kernel', 'platform', 'contracts'].includes(placeOf(entry.to)))).toEqual([]);
  });

  it('models are pure: kernel and models, no platform, no Node I/O', () => {
    const mine = all.filter((entry) => /^src\/[a-z]+\/model\.ts$/.test(entry.from));
    expect(offending(mine, (entry) => {
      if (entry.to.startsWith('src/kernel/') || entry.to.startsWith('contracts/')) return true;
      // A room's own pure files are part of its model.
      if (placeOf(entry.to) === placeOf(entry.from) || entry.to.endsWith('/model.ts')) return !/\/(store|service|handlers|jobs)[^/]*\.ts$/.test(entry.to);
      return !entry.to.startsWith('src/') && !/^node:(fs|net|http|https|child_process|dgram|worker_threads)/.test(entry.to) && !['typeorm', 'pg', 'express', 'stripe'].includes(entry.to);
    })).toEqual([]);
  });

  it('handlers know their own room, the contract and the kernel; never Express', () => {
    const mine = all.filter((entry) => /^src\/[a-z]+\/handlers\.ts$/.test(entry.from));
    expect(offending(mine, (entry) => entry.to.startsWith('src/kernel/') || entry.to.startsWith('contracts/generated/') || placeOf(entry.to) === placeOf(entry.from))).toEqual([]);
  });

  it('Express lives in http and the sandbox; TypeORM and pg in platform/postgres and store files', () => {
    expect(offending(all.filter((entry) => entry.to === 'express'), (entry) => entry.from.startsWith('src/http/') || entry.from.startsWith('src/platform/stripe/sandbox/'))).toEqual([]);
    const database = all.filter((entry) => ['typeorm', 'pg'].includes(entry.to));
    expect(offending(database, (entry) => entry.from.startsWith('src/platform/postgres/') || /\/[a-z-]*store[a-z-]*\.ts$/.test(entry.from))).toEqual([]);
  });

  it('stripe is reached through platform/stripe, onnxruntime only by inference, c2pa only by provenance', () => {
    expect(offending(all.filter((entry) => entry.to === 'stripe' && !entry.typeOnly), (entry) => entry.from.startsWith('src/platform/stripe/'))).toEqual([]);
    expect(offending(all.filter((entry) => entry.to === 'onnxruntime-node'), () => false)).toEqual([]);
    expect(offending(all.filter((entry) => entry.to.startsWith('@contentauth/')), (entry) => placeOf(entry.from) === 'provenance')).toEqual([]);
  });

  it('nothing in src, inference or migrations imports from test or tool', () => {
    const product = ['src', 'inference', 'migrations'].flatMap((folder) => files(folder, /\.(ts|mjs)$/)).flatMap(importsOf);
    expect(offending(product, (entry) => !/^(test|tool)\//.test(entry.to))).toEqual([]);
  });

  it('inference imports nothing of src', () => {
    const mine = files('inference', /\.(ts|mjs)$/).flatMap(importsOf);
    expect(offending(mine, (entry) => !entry.to.startsWith('src/'))).toEqual([]);
  });

  it('the ground floor is complete and flat', () => {
    expect(GROUND.map((room) => LOWER[room])).toEqual([[], [], [], []]);
  });
});

describe('the style is a test', () => {
  const ours = ['src', 'inference', 'migrations', 'test', 'tool'].flatMap((folder) => files(folder, /\.(ts|mjs)$/));

  it('each room has a door that says what it promises', () => {
    for (const room of ROOMS) {
      const text = readFileSync(join(root, 'src', room, 'index.ts'), 'utf8');
      expect(text.startsWith('/**'), `src/${room}/index.ts begins with its promise`).toBe(true);
    }
  });

  it('file names are kebab-case', () => {
    expect(ours.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|mjs)$/.test(file.split('/').at(-1) ?? ''))).toEqual([]);
  });

  it('no rule of the linter or the compiler is switched off in place', () => {
    const words = ['eslint-' + 'disable', '@ts-' + 'ignore', '@ts-' + 'expect-error', '@ts-' + 'nocheck'];
    expect(ours.filter((file) => words.some((word) => readFileSync(join(root, file), 'utf8').includes(word)))).toEqual([]);
  });

  it('nothing is left for later, and no test is left out without a reason', () => {
    const words = ['TO' + 'DO', 'FIX' + 'ME', 'not ' + 'implemented', 'it' + '.only', 'describe' + '.only', 'it' + '.skip('];
    expect(ours.filter((file) => words.some((word) => readFileSync(join(root, file), 'utf8').includes(word)))).toEqual([]);
  });

  it('media is written by one function', () => {
    const writers = /\b(res|response)\.(write|pipe|sendFile|download)\(|\.pipe\((res|response)\)|pipeline\(/;
    const offenders = files('src', /\.ts$/).filter((file) => !file.startsWith('src/platform/stripe/sandbox/') && writers.test(readFileSync(join(root, file), 'utf8')));
    expect(offenders).toEqual(['src/http/events.ts', 'src/http/media.ts']);
    // The other one sends text, and is never given bytes.
    const events = readFileSync(join(root, 'src/http/events.ts'), 'utf8');
    expect(events).not.toMatch(/Uint8Array|Buffer\b|bytes|media\.ts/);
  });

  it('every other way of writing to a socket is an error of the linter, everywhere but there', async () => {
    const ways = [
      'response.write(bytes)', 'res.write(bytes)', 'response.socket.write(bytes)', 'socket.write(bytes)', 'file.pipe(response)', 'stream.pipeline(file, response)',
      'pipeline(file, response)', 'response.sendFile(path)', 'response.download(path)', 'body.pipeTo(sink)', "import 'node:http2'",
    ];
    const eslint = new ESLint({ cwd: root });
    const problemsIn = async (path: string): Promise<string[]> => {
      const { rules } = (await eslint.calculateConfigForFile(join(root, path))) as { rules: Linter.RulesRecord };
      const ours = Object.fromEntries(['no-restricted-syntax', 'no-restricted-imports'].flatMap((rule) => {
        const setting = rules[rule];
        return setting === undefined ? [] : [[rule, setting]];
      }));
      return ways.filter((way) => new Linter().verify(way, { rules: ours }).some((found) => found.severity === 2));
    };
    for (const path of ['src/gateway/media.ts', 'src/http/router.ts', 'src/stop/handlers.ts', 'src/compose.ts']) expect(await problemsIn(path), path).toEqual(ways);
    expect(await problemsIn('src/http/media.ts')).toEqual([]);
  });

  it('the environment is read in one place, the clock in another', () => {
    const read = (pattern: RegExp): string[] => files('src', /\.ts$/).filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')));
    expect(read(/process\.env\b/).filter((file) => !['src/main.ts'].includes(file))).toEqual([]);
    expect(read(/\bDate\.now\(\)|new Date\(\)/)).toEqual(['src/platform/clock.ts']);
    expect(read(/Math\.random\(/)).toEqual([]);
  });
});
