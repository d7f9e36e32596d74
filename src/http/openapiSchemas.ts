import { z } from 'zod';

export type JsonSchema = { [key: string]: unknown };

/** Collects the named schemas of a document while its parts are turned into JSON schemas. */
export interface SchemaCollector {
  /** What a client sends. */
  input(schema: z.ZodType): JsonSchema;
  /** What a client gets. */
  output(schema: z.ZodType): JsonSchema;
  /** All named schemas so far; a schema is named by `.meta({ id })`. */
  readonly components: Record<string, JsonSchema>;
}

export function createSchemaCollector(): SchemaCollector {
  const components: Record<string, JsonSchema> = {};
  const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
    const {
      $schema: _,
      $defs,
      ...json
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => dropKnownPatterns(jsonSchema),
    }) as JsonSchema;
    for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
      components[name] = rehome(definition);
    }
    return rehome(json);
  };
  return {
    components,
    input: (schema) => convert(schema, 'input'),
    output: (schema) => convert(schema, 'output'),
  };
}

/** The format says it already, and the patterns that zod adds fill a screen. */
function dropKnownPatterns(schema: { format?: string | undefined; pattern?: string | undefined }): void {
  if (schema.format === 'uuid' || schema.format === 'date-time') delete schema.pattern;
}

/** Points references into the document's components. */
const rehome = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
