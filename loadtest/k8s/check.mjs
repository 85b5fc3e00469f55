// npm run k8s:check: does the manifest say only what the k6 operator knows? Kubernetes drops unknown fields without a
// word, so a misspelled one would be a load that nobody meant: here it is an error. Plain JavaScript, on every
// supported Node.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

const HELP = `npm run --silent k8s:check -- [options] [FILE...]

Holds manifests (loadtest/k8s/testrun.yaml) to the definition of a TestRun. Unknown fields are errors.

  --crd FILE  the definition that the operator in the cluster has; - reads it from standard input:
              kubectl get crd testruns.k6.io -o yaml | npm run --silent k8s:check -- --crd -
              Unless told, loadtest/k8s/testrun-fields.yaml: the fields that this folder uses.
  --help

It ends with 1 when a manifest is wrong, and with 2 when it cannot tell.
`;

function leave(text) {
  process.stderr.write(`${text}\n\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { crd: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    return leave(error.message);
  }
}

/** What the two agree on is in JSON Schema; the rest of Kubernetes' words is put into it. */
function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { 'x-kubernetes-int-or-string': isEither, ...words } = schema;
  if (isEither) return { type: ['integer', 'string'] };
  const told = Object.fromEntries(
    Object.entries(words).map(([word, value]) => [
      word,
      word === 'properties'
        ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, strict(one)]))
        : ['items', 'additionalProperties', 'anyOf', 'allOf', 'oneOf', 'not'].includes(word)
          ? strict(value)
          : value,
    ]),
  );
  const isClosed =
    words.type === 'object' &&
    words.additionalProperties === undefined &&
    words['x-kubernetes-preserve-unknown-fields'] !== true;
  return isClosed ? { ...told, additionalProperties: false } : told;
}

/** @returns {Map<string, import('ajv').ValidateFunction>} `k6.io/v1alpha1 TestRun` -> what judges it */
function judgesOf(definition) {
  const { group, names, versions } = definition?.spec ?? {};
  if (typeof group !== 'string' || !Array.isArray(versions)) leave('--crd: that is no definition');
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  return new Map(
    versions.map(({ name, schema }) => {
      const root = schema?.openAPIV3Schema;
      if (!root?.properties?.spec) leave(`--crd: version ${name} has no schema`);
      const { metadata } = root.properties;
      // Kubernetes' own, and not told by the definitions of others.
      const open = { 'x-kubernetes-preserve-unknown-fields': true };
      const properties = {
        ...{ apiVersion: { type: 'string' }, kind: { type: 'string' } },
        ...root.properties,
        metadata: metadata?.properties ? metadata : { ...metadata, ...open },
      };
      return [`${group}/${name} ${names?.kind}`, ajv.compile(strict({ ...root, properties }))];
    }),
  );
}

function problemsOf(text, judges) {
  const manifest = parse(text);
  const what = `${manifest?.apiVersion} ${manifest?.kind}`;
  const judge = judges.get(what);
  if (!judge) return [`is a ${what}, and not one of ${[...judges.keys()].join(', ')}`];
  if (judge(manifest)) return [];
  return judge.errors.map(({ instancePath, message, params }) => {
    const field = params.additionalProperty;
    return `${instancePath || '/'} ${field ? `has no field "${field}"` : message}`;
  });
}

function reading(name, use) {
  try {
    return use(readFileSync(name === '-' ? 0 : name, 'utf8'));
  } catch (error) {
    return leave(`${name}: ${error.message}`);
  }
}

const beside = (name) => new URL(name, import.meta.url).pathname;
const { values, positionals } = readOptions();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const judges = judgesOf(
  reading(values.crd ?? beside('testrun-fields.yaml'), (text) => parse(text)),
);
const files = positionals.length > 0 ? positionals : [beside('testrun.yaml')];
for (const file of files) {
  const problems = reading(file, (text) => problemsOf(text, judges));
  process.stdout.write(`${file}: ${problems.length === 0 ? 'right' : 'WRONG'}\n`);
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
