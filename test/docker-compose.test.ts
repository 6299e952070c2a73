import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { loadConfig, SETTINGS } from '../src/config.ts';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  secrets?: string[];
  healthcheck?: { test: string[] };
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service>; secrets: Record<string, unknown>; volumes: object };
const ROLES = ['api', 'worker', 'gateway'];

describe('docker-compose.yml', () => {
  it('has the database, Redis and the three roles', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['api', 'gateway', 'postgres', 'redis', 'worker']);
  });

  it('pins its images and builds ours from the one Dockerfile', () => {
    expect(compose.services['postgres']?.image).toMatch(/^postgres:\d+\.\d+-\w+$/);
    expect(compose.services['redis']?.image).toMatch(/^redis:\d+\.\d+-\w+$/);
    for (const role of ROLES) expect(compose.services[role]).toMatchObject({ build: '.', command: [role] });
    expect(existsSync(new URL('../Dockerfile', import.meta.url))).toBe(true);
    expect(read('Dockerfile')).toMatch(/^FROM node:\d+\.\d+-\w+-slim$/m);
  });

  it('names only settings that config.ts reads', () => {
    for (const role of ROLES) {
      const names = Object.keys(compose.services[role]?.environment ?? {});
      expect(names.length).toBeGreaterThan(10);
      expect(names.filter((name) => !(SETTINGS as readonly string[]).includes(name))).toEqual([]);
    }
  });

  it('gives production everything that it requires', () => {
    for (const role of ROLES) {
      const filled = Object.fromEntries(Object.entries(compose.services[role]?.environment ?? {}).map(([name, value]) => {
        const example: Record<string, string> = {
          DATABASE_URL: 'postgres://a@b/c', DATABASE_OWNER_URL: 'postgres://a@b/c', PUBLIC_ORIGIN: 'https://benren.example', RP_ID: 'benren.example',
        };
        return [name, value.startsWith('${') ? (example[name] ?? 'X') : value];
      }));
      expect(loadConfig(filled).production).toBe(true);
    }
  });

  it('waits for healthy neighbours and mounts every key it names', () => {
    for (const role of ROLES) {
      const service = compose.services[role];
      for (const neighbour of ['postgres', 'redis']) {
        expect(service?.depends_on?.[neighbour]).toEqual({ condition: 'service_healthy' });
        expect(compose.services[neighbour]?.healthcheck?.test.length).toBeGreaterThan(1);
      }
      const files = Object.values(service?.environment ?? {}).filter((value) => value.startsWith('/run/secrets/')).map((value) => value.slice(13));
      expect([...files].sort()).toEqual([...(service?.secrets ?? [])].sort());
      for (const file of files) expect(compose.secrets).toHaveProperty(file);
    }
  });

  it('holds no secret', () => {
    const text = read('docker-compose.yml');
    expect(text).not.toMatch(/sk_(live|test)_|whsec_|BEGIN [A-Z ]*PRIVATE KEY/);
    expect(text).not.toMatch(/PASSWORD: (?!\$\{)/);
  });
});
