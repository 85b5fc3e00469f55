import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const manifest = readFileSync(here('testrun.yaml'), 'utf8');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'k8s-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function check(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [here('check.mjs'), ...args], {
    ...{ encoding: 'utf8', input },
  });
  return { status, stdout, stderr };
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** As an operator in a cluster would have it, but for its size. */
const definition = (spec: object) =>
  stringify({
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    spec: {
      ...{ group: 'k6.io', names: { kind: 'TestRun' } },
      versions: [
        {
          name: 'v1alpha1',
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { metadata: { type: 'object' }, spec },
            },
          },
        },
      ],
    },
  });

describe('npm run k8s:check', () => {
  test('finds our manifest right', () => {
    expect(check([])).toMatchObject({ status: 0, stderr: '' });
  });

  test.each([
    ['a misspelled field', 'parallelism:', 'paralellism:', '/spec has no field "paralellism"'],
    ['one far inside', 'maxSkew:', 'maxSkw:', '/0 has no field "maxSkw"'],
    ['a number for a text', 'value: "true"', 'value: 1', '/env/0/value must be string'],
    ['a text for a number', 'parallelism: 14', 'parallelism: many', '/parallelism must be integer'],
    [
      'a boolean for a text',
      'Token: "false"',
      'Token: false',
      'ServiceAccountToken must be string',
    ],
    ['another kind', 'kind: TestRun', 'kind: K6', 'is a k6.io/v1alpha1 K6, and not one of'],
    ['an older version', 'k6.io/v1alpha1', 'k6.io/v1', 'is a k6.io/v1 TestRun, and not one of'],
  ])('finds %s', (_, from, to, why) => {
    expect(manifest).toContain(from);
    const { status, stdout } = check([fileOf('bad.yaml', manifest.replace(from, to))]);
    expect(status).toBe(1);
    expect(stdout).toContain(why);
  });

  test('takes the definition of the operator that is there', () => {
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    expect(check(['--crd', '-'], definition(open))).toMatchObject({ status: 0 });
    const closed = definition({ type: 'object', properties: { parallelism: { type: 'integer' } } });
    const { status, stdout } = check(['--crd', fileOf('crd.yaml', closed)]);
    expect(status).toBe(1);
    expect(stdout).toContain('/spec has no field "script"');
    expect(stdout).not.toContain('parallelism');
  });

  test('takes what may be a number or a text as either', () => {
    const either = { type: 'object', properties: { a: { 'x-kubernetes-int-or-string': true } } };
    const crd = fileOf('either.yaml', definition(either));
    const of = (a: unknown) => {
      const one = { apiVersion: 'k6.io/v1alpha1', kind: 'TestRun', metadata: {}, spec: { a } };
      return check(['--crd', crd, fileOf('a.yaml', stringify(one))]).status;
    };
    expect([of(1), of('1Gi'), of(true)]).toEqual([0, 0, 1]);
  });

  test.each([
    ['no definition', ['--crd', here('testrun.yaml')], 'that is no definition'],
    ['a file that is not there', ['/no/such.yaml'], '/no/such.yaml: ENOENT'],
    ['an unknown option', ['--strict'], '--strict'],
  ])('ends with 2 and its help when it is told %s', (_, args, why) => {
    const { status, stderr } = check(args);
    expect(status).toBe(2);
    expect(stderr).toContain(why);
    expect(stderr).toContain('npm run --silent k8s:check --');
  });
});

test('what kustomize brings together is named alike', () => {
  const { resources, configMapGenerator, generatorOptions } = parse(
    readFileSync(here('kustomization.yaml'), 'utf8'),
  );
  const { configMap } = parse(manifest).spec.script;
  expect(resources).toEqual(['testrun.yaml']);
  expect(configMapGenerator).toEqual([{ name: configMap.name, files: [configMap.file] }]);
  expect(generatorOptions.disableNameSuffixHash).toBe(true);
});
