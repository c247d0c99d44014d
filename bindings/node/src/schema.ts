/** Schemas of the language's own libraries as JSON Schema 2020-12, and the types that they say. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ConfigError } from './errors';
import { Problem } from './response';

/** https://standardschema.dev, as far as it is needed: Zod, Valibot, ArkType and others are one. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type StandardResult<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** JSON Schema as data. `as const` keeps its types. */
export type JsonSchema = boolean | { readonly [keyword: string]: any };
/** What a schema may be: a Standard Schema (Zod, Valibot, ...), one of TypeBox, or JSON Schema. */
export type Schema = StandardSchema<any, any> | JsonSchema;

type Simple = { string: string; number: number; integer: number; boolean: boolean; null: null };
type Members<P, R> = { -readonly [K in keyof P as K extends R ? K : never]: FromJson<P[K]> } & { -readonly [K in keyof P as K extends R ? never : K]?: FromJson<P[K]> };
type Flat<T> = T extends object ? { [K in keyof T]: T[K] } : T;
type FromJson<S> = S extends { readonly const: infer V } ? V
  : S extends { readonly enum: readonly (infer V)[] } ? V
  : S extends { readonly anyOf: readonly (infer O)[] } ? FromJson<O>
  : S extends { readonly type: readonly (infer T)[] } ? FromJson<Omit<S, 'type'> & { readonly type: T }>
  : S extends { readonly type: infer T extends keyof Simple } ? Simple[T]
  : S extends { readonly type: 'array'; readonly items: infer I } ? FromJson<I>[]
  : S extends { readonly type: 'object'; readonly properties: infer P; readonly required: readonly (infer R)[] } ? Flat<Members<P, R>>
  : S extends { readonly type: 'object'; readonly properties: infer P } ? Flat<Members<P, never>>
  : S extends { readonly type: 'object' } ? Record<string, any>
  : any;

/** The type of a value that fits a schema, as a handler gets it. */
export type Infer<S> = S extends { readonly '~standard': { readonly types?: { readonly output: infer O } | undefined } } ? O
  : S extends { readonly static: infer T } ? T // TypeBox
  : FromJson<S>;

function vendor(schema: Schema): string | undefined {
  return (schema as any)?.['~standard']?.vendor;
}

const requires = [require, createRequire(join(process.cwd(), 'package.json'))];
if (require.main?.filename !== undefined) requires.push(createRequire(require.main.filename));
else if (process.argv[1] !== undefined) requires.push(createRequire(process.argv[1]));

/** A module of the application's own. */
function moduleOf(names: readonly string[]): any {
  for (const find of requires) {
    for (const name of names) {
      try {
        return find(name);
      } catch {
        continue;
      }
    }
  }
  return undefined;
}

function clean(schema: any): JsonSchema {
  const copy = JSON.parse(JSON.stringify(schema));
  delete copy.$schema;
  delete copy['~standard'];
  return copy;
}

const OPTIONS = { target: 'draft-2020-12' } as const;

/** The JSON Schema of what comes in. */
export function jsonSchema(schema: Schema): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  const kind = vendor(schema);
  if (kind === undefined) return clean(schema); // JSON Schema, or TypeBox, whose types are JSON Schema
  const own = (schema as any)['~standard'].jsonSchema?.input;
  try {
    // The core knows formats and patterns; what JSON Schema cannot say is left to the schema's own parser.
    if (kind === 'zod') {
      const z = moduleOf(['zod']);
      const convert = z?.toJSONSchema ?? z?.z?.toJSONSchema;
      if (convert !== undefined) return clean(convert(schema, { ...OPTIONS, io: 'input', unrepresentable: 'any' }));
    }
    if (typeof own === 'function') return clean(own(OPTIONS));
    if (typeof (schema as any).toJSONSchema === 'function') return clean((schema as any).toJSONSchema());
    if (kind === 'valibot') {
      const convert = moduleOf(['@valibot/to-json-schema'])?.toJsonSchema;
      if (convert !== undefined) return clean(convert(schema, { target: 'draft-2020-12', typeMode: 'input', errorMode: 'ignore' }));
    }
  } catch (error) {
    throw new ConfigError(`a schema of ${kind} is no JSON Schema: ${(error as Error).message}`, { cause: error });
  }
  throw new ConfigError(`a schema of ${kind} does not say its JSON Schema${kind === 'valibot' ? '; install @valibot/to-json-schema' : kind === 'zod' ? '; expected zod 4' : ''}`);
}

/** @internal The schema's own parser, for refinements and transforms that JSON Schema cannot say; undefined where the core's check is all. */
export function parserOf(schema: Schema | undefined, place: string): ((value: unknown) => unknown) | undefined {
  if (schema === undefined || vendor(schema) === undefined) return undefined;
  const { validate } = (schema as StandardSchema)['~standard'];
  const take = (result: StandardResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    throw refused(result.issues, place);
  };
  return (value) => {
    const result = validate(place === 'body' ? value : present(value as Record<string, unknown>));
    return result instanceof Promise ? result.then(take) : take(result);
  };
}

/** Parameters that were not sent are null for the core and missing for a schema. */
function present(values: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name in values) if (values[name] !== null) out[name] = values[name];
  return out;
}

/** As the core reports what does not fit. */
function refused(issues: readonly StandardIssue[], place: string): Problem {
  const errors = issues.map((issue) => ({
    type: 'validation_error',
    loc: [place, ...(issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))],
    msg: issue.message,
    input: null,
  }));
  return new Problem(422, {
    title: 'Request Validation Failed',
    detail: `${errors.length} validation error${errors.length === 1 ? '' : 's'} in request`,
    type: 'validation-error',
    extensions: { errors },
  });
}

/** @internal The members of an object schema as parameters of the manifest. */
export function parametersOf(schema: Schema, place: 'path' | 'query' | 'header' | 'cookie'): Record<string, any>[] {
  const json = jsonSchema(schema) as Record<string, any>;
  if (json.type !== 'object' || json.properties === undefined) throw new ConfigError(`the schema of ${place} parameters: expected one of an object`);
  const definitions = json.$defs;
  return Object.entries(json.properties as Record<string, any>).map(([name, member]) => {
    const required = (json.required ?? []).includes(name) && member.default === undefined;
    return { in: place, name, required: place === 'path' || required, schema: definitions === undefined ? member : { ...member, $defs: definitions } };
  });
}
