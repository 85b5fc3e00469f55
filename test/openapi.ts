// Holds every HTTP answer of the tests to proto/openapi.yaml: what the contract does not list is a failure.

import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';

export interface HttpAnswer {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

interface Answers {
  readonly $ref?: string;
  readonly headers?: Record<string, { $ref?: string; required?: boolean; schema?: object }>;
  readonly content?: Record<string, { schema?: object }>;
}

interface OpenApi {
  readonly paths: Record<string, Record<string, { responses: Record<string, Answers> }>>;
  readonly [part: string]: unknown;
}

export class Contract {
  readonly #document: OpenApi;
  readonly #ajv: Ajv2020;
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #patterns: readonly [RegExp, string][];

  constructor(file: URL | string = new URL('../proto/openapi.yaml', import.meta.url)) {
    this.#document = parse(readFileSync(file, 'utf8')) as OpenApi;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(this.#ajv);
    this.#ajv.addSchema({ $id: 'openapi', ...this.#document });
    this.#patterns = Object.keys(this.#document.paths).map((path) => [
      new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
      path,
    ]);
  }

  /** @throws when the contract does not list such an answer, or it is another than listed */
  check(answer: HttpAnswer): void {
    const complaints = this.complaints(answer);
    if (complaints.length === 0) return;
    const { method, path, status, headers, body } = answer;
    const seen = `${method} ${path} -> ${status} ${JSON.stringify(headers)} ${body.subarray(0, 300)}`;
    throw new Error(`the contract does not know this answer: ${complaints.join('; ')}\n${seen}`);
  }

  complaints(answer: HttpAnswer): string[] {
    const path = answer.path.split('?')[0] as string;
    const template = this.#patterns.find(([pattern]) => pattern.test(path))?.[1];
    const methods = template === undefined ? undefined : this.#document.paths[template];
    const operation = methods?.[answer.method.toLowerCase()];
    // What the contract says in words: every other path is 404, every other method 405, both a Problem.
    if (!operation) return this.#outside(answer, methods === undefined ? 404 : 405);
    const at = `/paths/${pointed(template as string)}/${answer.method.toLowerCase()}/responses`;
    const listed = operation.responses[String(answer.status)];
    if (!listed) return [`status ${answer.status} is not listed`];
    const [place, answers] = this.#resolve(`${at}/${answer.status}`, listed);
    return [...this.#headers(place, answers, answer), ...this.#body(place, answers, answer)];
  }

  #outside(answer: HttpAnswer, status: number): string[] {
    if (answer.status !== status && answer.status !== 400) return [`${status} or 400 was expected`];
    if (status === 405 && answer.status === 405 && answer.headers.allow !== 'GET')
      return ['405 without Allow: GET'];
    if (answer.method === 'HEAD') return answer.body.length === 0 ? [] : ['HEAD with a body'];
    if (answer.headers['content-type'] !== 'application/problem+json') return ['not a problem'];
    return this.#json('openapi#/components/schemas/Problem', answer.body);
  }

  #headers(place: string, answers: Answers, answer: HttpAnswer): string[] {
    return Object.entries(answers.headers ?? {}).flatMap(([name, entry]) => {
      const [at, header] = this.#resolve(`${place}/headers/${pointed(name)}`, entry);
      const value = answer.headers[name.toLowerCase()];
      if (value === undefined) return header.required ? [`header ${name} is missing`] : [];
      return this.#valid(`openapi#${at}/schema`, value).map((why) => `header ${name} ${why}`);
    });
  }

  #body(place: string, answers: Answers, answer: HttpAnswer): string[] {
    const type = answer.headers['content-type'];
    if (!answers.content) {
      return answer.body.length > 0 || type !== undefined ? ['a body that is not listed'] : [];
    }
    const content = answers.content[type ?? ''];
    if (!content) return [`content type ${type} is not listed`];
    if (!content.schema) return answer.body.length > 0 ? [] : ['an empty body'];
    return this.#json(`openapi#${place}/content/${pointed(type as string)}/schema`, answer.body);
  }

  #json(ref: string, body: Buffer): string[] {
    try {
      return this.#valid(ref, JSON.parse(body.toString()));
    } catch (error) {
      return [`the body is no JSON: ${(error as Error).message}`];
    }
  }

  #valid(ref: string, value: unknown): string[] {
    let validate = this.#compiled.get(ref);
    if (!validate) {
      validate = this.#ajv.compile({ $ref: ref });
      this.#compiled.set(ref, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  }

  #resolve<T extends { $ref?: string }>(place: string, entry: T): [string, T] {
    if (entry.$ref === undefined) return [place, entry];
    const pointer = entry.$ref.slice(1);
    let target: unknown = this.#document;
    for (const part of pointer.split('/').slice(1))
      target = (target as Record<string, unknown>)[part.replaceAll('~1', '/')];
    return [pointer, target as T];
  }
}

/** For a JSON pointer inside a URI reference. */
function pointed(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
